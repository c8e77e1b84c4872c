/* The studio's page: what is typed is searched, what was found is shown, and whoever is next is chosen. */
import { connect, fetched } from "./connection.js";
import { $ } from "./elements.js";
import * as files from "./files.js";
import * as lanes from "./lanes.js";
import * as play from "./play.js";
import * as run from "./run.js";
import * as search from "./search.js";
import * as sweep from "./sweep.js";

const PAUSE_MS = 300;

/* --- the views */

const tabs = [...document.querySelectorAll("[role=tab]")];

const choose = (tab) => {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (tab.id === "tab-play") play.resume();
  if (tab.id === "tab-run") lanes.draw();
};

const tabKeys = (event, at) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(at + step + tabs.length) % tabs.length];
  next.focus();
  choose(next);
};

const beginViews = () => {
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => tabKeys(event, at));
  }
  const dark = (is) => { document.documentElement.classList.toggle("dark", is); lanes.draw(); };
  dark(matchMedia("(prefers-color-scheme: dark)").matches);
  $("theme").addEventListener("click", () => dark(!document.documentElement.classList.contains("dark")));
};

/* --- all of it */

let timer = 0;

const changed = () => {
  $("save").textContent = "Save";
  clearTimeout(timer);
  timer = setTimeout(() => { play.restart(); search.search(); }, PAUSE_MS);
};

const begin = async () => {
  const known = JSON.parse(await fetched("begin"));
  const editor = scenrunEditor.open({ parent: $("editor"), text: "", words: known.words, changed });
  search.begin({
    editor, known: sweep.known,
    read: () => { if (!$("play").hidden) play.resume(); },
    playIt: (numbers) => { play.play(numbers); choose($("tab-play")); },
  });
  play.begin({ editor, file: files.file });
  run.begin();
  sweep.begin({ simulate: (overrides) => { choose($("tab-run")); run.simulate(overrides); } });
  const openFirst = files.begin(editor, { opened: search.forget, failed: (word, beside) => search.verdict("open", word, beside), listSchedules: play.listSchedules });
  await openFirst(known);
  clearTimeout(timer);
  connect({ textOf: editor.text, opened: search.search, closed: () => search.verdict("open", "the studio has ended", "begin it again: scenrun studio") });
  window.studio = { editor }; // for whoever tries it
};

beginViews();
begin();
