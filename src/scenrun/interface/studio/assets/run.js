/* Running: in virtual time, or on real threads, whose lanes grow while they run; then the page of the run. */
import { ask, hear, stop } from "./connection.js";
import { $, el, firstError, number, show } from "./elements.js";
import { clear, grow, halt, WAYS } from "./lanes.js";

const said = (text) => { $("ran").textContent = text; };

const ended = () => { $("run-stop").hidden = true; halt(); };

const handlers = {
  read: (message) => { if (firstError(message)) { said(firstError(message)); ended(); } },
  ran: (message) => said(`${message.way}: ${message.verdict}`),
  page: (message) => { show($("page"), $("page-links"), message.key, "run"); ended(); },
  refused: (message) => { said(message.message); ended(); },
  lanes: (message) => {
    $("lanes-said").hidden = false;
    const more = message.left_out ? `; ${number(message.left_out)} threads more have no lane` : "";
    const legend = WAYS.map((way) => el("span", { class: `way ${way}` }, way));
    $("lanes-said").replaceChildren(`${number(message.events)} events in ${message.elapsed_s.toFixed(3)} s${more} `, ...legend);
    grow(message);
  },
};

const began = (way) => {
  for (const shown of ["page", "lanes", "lanes-said"]) $(shown).hidden = true;
  $("page-links").replaceChildren();
  $("run-stop").hidden = false;
  clear();
  said(way);
  for (const slot of ["simulate", "run"]) stop(slot);
};

/* overrides: values by path that the run has instead of the file's. */
export const simulate = (overrides = {}) => {
  began("simulating");
  const given = Object.entries(overrides);
  $("with").hidden = !given.length;
  $("with").textContent = given.map(([path, value]) => `with ${path} = ${value}`).join(", ");
  ask("simulate", { overrides });
};

const onThreads = () => {
  $("with").hidden = true;
  began("running");
  $("lanes").hidden = false;
  ask("run");
};

export const begin = () => {
  hear("simulate", handlers);
  hear("run", handlers);
  $("simulate").addEventListener("click", () => simulate());
  $("threads").addEventListener("click", onThreads);
  $("run-stop").addEventListener("click", () => { for (const slot of ["simulate", "run"]) stop(slot); said("stopped"); ended(); });
};
