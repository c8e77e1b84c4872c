/* What the search says: the verdict, what it was before, findings, and the counterexample as a player. */
import { ask, hear, stop } from "./connection.js";
import { $, el, number, show } from "./elements.js";

const state = { verdict: "", numbers: null };

export const verdict = (kind, word, beside = "") => {
  $("verdict").replaceChildren(el("span", { class: `chip ${kind}` }, word), el("span", { class: "muted" }, beside));
};

export const forget = () => { state.verdict = ""; };

/* editor: where what is wrong is marked; read: called for a text that is a scenario; playIt: takes steps to play;
   known: called with what can be swept. */
export const begin = ({ editor, read, playIt, known }) => {
  const problems = (found) => {
    editor.mark(found);
    $("problems").replaceChildren(...found.map((one) => el("button", { class: one.severity, onclick: () => { editor.goTo(one.line); editor.focus(); } }, `line ${one.line}: ${one.message}`)));
  };

  const clear = () => {
    for (const shown of ["progress", "player", "said", "compared", "play-it"]) $(shown).hidden = true;
    $("findings").replaceChildren();
    $("player-links").replaceChildren();
    state.numbers = null;
  };

  const explored = (message) => {
    $("progress").hidden = true;
    const kind = message.verdict === "incomplete" ? "open" : message.ok ? "good" : "bad";
    const expected = message.ok ? (message.verdict === "holds" ? "" : ", as expected") : `, but the file expects ${message.expected.join(" or ")}`;
    verdict(kind, message.verdict + expected, message.closed ? `${number(message.states)} states: every schedule is among them` : "a limit came first");
    $("compared").hidden = !(state.verdict && state.verdict !== message.verdict);
    if (!$("compared").hidden) $("compared").textContent = `was ${state.verdict}, now ${message.verdict}`;
    state.verdict = message.verdict;
    state.numbers = message.numbers;
    $("play-it").hidden = !message.numbers;
    const outcomes = message.outcomes.length ? [`outcomes: ${message.outcomes.join(", ")}`] : [];
    $("findings").replaceChildren(...[...message.sentences, ...message.races, ...outcomes].map((one) => el("li", {}, one)));
    $("said").hidden = false;
    $("said").querySelector("pre").textContent = message.text;
    $("player-links").replaceChildren();
    if (!message.sentences.length) $("player").hidden = true;
  };

  hear("explore", {
    read: (message) => {
      problems(message.problems);
      if (message.problems.some((one) => one.severity === "error")) {
        clear();
        verdict("open", "not a scenario yet", `${message.problems.length} problem${message.problems.length === 1 ? "" : "s"}`);
      } else read();
    },
    progress: (message) => {
      if ($("progress").hidden) clear(); // what was found is of the text before
      $("progress").hidden = false;
      $("progress-said").textContent = `${number(message.states)} states, ${message.seconds} s`;
      verdict("open", "searching", state.verdict ? `was ${state.verdict}` : "");
    },
    paths: (message) => known(message.paths),
    explored,
    page: (message) => show($("player"), $("player-links"), message.key, "counterexample"),
    refused: (message) => { clear(); verdict("open", "not searched", message.message); },
  });

  $("stop").addEventListener("click", () => {
    stop("explore");
    clear();
    verdict("open", "stopped", "the search was ended; type to begin another");
  });
  $("play-it").addEventListener("click", () => playIt(state.numbers));
};

export const search = () => ask("explore");
