/* Playing: who is next is chosen; schedules are kept, opened again and compared. */
import { ask, fetched, hear, stop, written } from "./connection.js";
import { $, el, firstError, number } from "./elements.js";

const state = { taken: [], undone: [], shown: null, pinned: null, edits: 0, name: "", schedules: [], waiting: false };
let editor;
let file;

export const play = (taken, undone = []) => {
  state.taken = taken;
  state.undone = undone;
  state.waiting = true;
  forgetFinish();
  ask("play", { taken });
};

/* What was asked of other steps, or of another text, is not said of these. */
const forgetFinish = () => {
  stop("finish");
  $("finished").replaceChildren();
};

/* Go on where it was, as far as the text still allows it. */
export const resume = () => play(state.taken, state.undone);

/* Another text: begin anew. */
export const restart = () => {
  state.taken = [];
  state.undone = [];
  state.edits += 1;
  forgetFinish();
};

const who = (one) => el("span", { class: "who" }, one.thread);
/* Not before the answer to the step before: nobody chooses what is not shown yet. */
const take = (at) => { if (!state.waiting) play([...state.taken, at]); };
const back = () => { if (state.taken.length) play(state.taken.slice(0, -1), [...state.undone, state.taken.at(-1)]); };
const forward = () => { if (state.undone.length) play([...state.taken, state.undone.at(-1)], state.undone.slice(0, -1)); };

const wrong = (message) => message.steps.flatMap((one, at) => one.wrong.map((text) => `step ${at + 1} ${text}`));
const ending = (message) => (message.ended ? (message.over.length ? message.over : wrong(message).length ? [] : ["everyone has ended, and nothing is wrong with this end"]) : []);

const played = (message) => {
  const focused = document.activeElement?.closest("#options") ? [...$("options").querySelectorAll(".option")].indexOf(document.activeElement) : null;
  const line = (one) => (one.line ? el("button", { class: "muted", title: "show the line", onclick: () => editor.goTo(one.line) }, `line ${one.line}`) : "");
  $("options").replaceChildren(...message.options.map((one, at) => el("li", {}, el("button", { class: "option", onclick: () => take(at) }, who(one), ` ${one.text}`), " ", line(one))));
  state.waiting = false;
  $("over").replaceChildren(...[...wrong(message), ...ending(message), ...(message.note ? [message.note] : [])].map((one) => el("p", { class: "finding" }, one)));
  const held = message.held.map((one) => `${one.thread} holds ${one.names.join(", ")}`);
  $("blocked").replaceChildren(...[...held, ...message.blocked].map((one) => el("li", {}, one)));
  $("values").replaceChildren(...Object.entries(message.values).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  $("taken").replaceChildren(...message.steps.map((one) => el("li", {}, who(one), ` ${one.text} `, ...one.wrong.map((text) => el("strong", {}, text)))));
  state.taken = message.taken;
  state.shown = message;
  $("back").disabled = !state.taken.length;
  $("forward").disabled = !state.undone.length;
  compare();
  if (focused !== null) { // what had the focus is no more
    const options = [...$("options").querySelectorAll(".option")];
    (options[Math.min(Math.max(focused, 0), options.length - 1)] || $("back")).focus();
  }
};

/* Whether it can still end badly from here, and the way there, to be taken with a click. */
const finished = (message) => {
  if (!message.bad) {
    $("finished").textContent = message.closed ? `No end that comes from here on is bad (${number(message.states)} state${message.states === 1 ? "" : "s"}). Races, \`reach\`, and what goes on for ever are not looked for.` : `Not found in ${number(message.states)} states; there are more.`;
    return;
  }
  const far = message.steps.length;
  const way = far ? el("button", { onclick: () => play([...state.taken, ...message.numbers]) }, `Take these ${far} step${far === 1 ? "" : "s"}`) : "";
  $("finished").replaceChildren(el("p", {}, `Yes: ${message.over.join("; ")}`), el("ol", {}, ...message.steps.map((one) => el("li", {}, who(one), ` ${one.text}`))), way);
};

/* --- schedules */

const pin = () => {
  state.pinned = { ...state.shown, edits: state.edits, name: state.name };
  compare();
};

const compare = () => {
  const [a, b] = [state.pinned, state.shown];
  $("beside").hidden = !a;
  if (!a || !b) return;
  const same = (x, y) => x && y && x.thread === y.thread && x.text === y.text;
  let parts = 0;
  while (same(a.steps[parts], b.steps[parts])) parts += 1;
  const cell = (one) => el("td", {}, ...(one ? [who(one), ` ${one.text}`] : []));
  const rows = Array.from({ length: Math.max(a.steps.length, b.steps.length) }, (_, at) => el("tr", { class: at === parts ? "parts" : at < parts ? "alike" : "" }, el("th", { scope: "row" }, String(at + 1)), cell(a.steps[at]), cell(b.steps[at])));
  const end = (one) => el("td", {}, ...[...wrong(one), ...(one.ended ? ending(one) : ["not at its end"])].map((text) => el("p", {}, text)));
  const names = [...new Set([...Object.keys(a.values), ...Object.keys(b.values)])];
  const values = names.map((name) => el("tr", { class: a.values[name] === b.values[name] ? "alike" : "parts" }, el("th", { scope: "row" }, name), el("td", {}, a.values[name] ?? ""), el("td", {}, b.values[name] ?? "")));
  const said = parts === a.steps.length && parts === b.steps.length ? "Both are the same so far." : `They part at step ${parts + 1}.`;
  const kept = `Kept${a.name ? `: ${a.name}` : ""}${a.edits === state.edits ? "" : " (of an earlier text)"}`;
  $("beside").replaceChildren(el("p", {}, said), el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "step"), el("th", { scope: "col" }, kept), el("th", { scope: "col" }, "Now"))), el("tbody", {}, ...rows, el("tr", {}, el("th", { scope: "row" }, "end"), end(a), end(b)), ...values)));
};

const say = (text) => { $("schedule-said").textContent = text; };

const save = async (message) => {
  let name = $("schedule-name").value.trim() || `${(file() || "schedule").replace(/\.ya?ml$/, "")}.schedule.json`;
  if (!name.endsWith(".schedule.json")) name += ".schedule.json";
  if (state.schedules.includes(name) && name !== state.name && !confirm(`${name} is there already. Replace it?`)) return;
  try {
    const told = await written(name, message.schedule);
    listSchedules(told.schedules);
    state.name = name;
    $("schedule-name").value = name;
    say(`Saved; scenrun replay ${told.path} --on threads makes these steps on real threads.`);
  } catch (error) { say(error.message); }
};

export const listSchedules = (names) => {
  state.schedules = names;
  $("schedules").replaceChildren(el("option", { value: "" }, "a saved schedule"), ...names.map((name) => el("option", { value: name }, name)));
};

const open = async () => {
  state.name = $("schedules").value;
  if (state.name) ask("follow", { schedule: await fetched(`file?name=${encodeURIComponent(state.name)}`) });
  $("schedules").value = "";
};

/* --- all of it */

const KEYS = { b: back, f: forward };

export const begin = (given) => {
  ({ editor, file } = given);
  const refused = (message) => {
    state.waiting = false;
    for (const shown of ["options", "blocked", "values", "taken"]) $(shown).replaceChildren();
    $("over").replaceChildren(el("p", {}, message.message));
  };
  const read = (message) => { if (firstError(message)) refused({ message: `not a scenario yet: ${firstError(message)}` }); };
  hear("play", { played, refused, read });
  hear("finish", { finished, refused: (message) => $("finished").replaceChildren(message.message) });
  hear("keep", { kept: save, refused: (message) => say(message.message) });
  hear("follow", { followed: (message) => { say(`${state.name}: ${message.numbers.length} steps`); play(message.numbers); }, refused: (message) => say(message.message) });
  $("finish").addEventListener("click", () => {
    const end = () => { forgetFinish(); $("finish").focus(); };
    $("finished").replaceChildren("searching from here on ", el("button", { onclick: end }, "Stop"));
    ask("finish", { taken: state.taken });
  });
  $("back").addEventListener("click", back);
  $("forward").addEventListener("click", forward);
  $("again").addEventListener("click", () => play([]));
  $("pin").addEventListener("click", pin);
  $("schedule-save").addEventListener("click", () => ask("keep", { taken: state.taken, file: file() }));
  $("schedules").addEventListener("change", open);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, .cm-editor");
    if ($("play").hidden || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^[1-9]$/.test(event.key) && state.shown?.options[event.key - 1]) take(event.key - 1);
    else if (KEYS[event.key]) KEYS[event.key]();
  });
};
