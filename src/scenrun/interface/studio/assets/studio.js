/* The studio's page: what is typed is searched, what was found is shown, and whoever is next is chosen. */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const PAUSE_MS = 300;
  const state = { text: "", asked: 0, timer: 0, verdict: "", was: "", taken: [], undone: [], file: "", saved: "" };
  let editor, socket;

  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  /* --- the connection */

  const connect = () => {
    socket = new WebSocket(new URL("talk", location.href.replace(/^http/, "ws")));
    socket.addEventListener("message", (event) => heard(JSON.parse(event.data)));
    socket.addEventListener("open", () => ask("explore"));
    socket.addEventListener("close", () => {
      verdict("open", "the studio has ended", "begin it again: scenrun studio");
    });
  };

  const ask = (what, more = {}) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    state.asked += 1;
    numbers[what] = state.asked;
    socket.send(JSON.stringify({ do: what, slot: what, number: state.asked, text: editor.text(), ...more }));
  };
  const numbers = {};

  const heard = (message) => {
    if (message.number !== numbers[message.slot]) return; // of a text that is no more
    (HEARD[message.slot][message.kind] || (() => {}))(message);
  };

  /* --- what the search says */

  const verdict = (kind, word, beside = "") => {
    $("verdict").replaceChildren(el("span", { class: `chip ${kind}` }, word), el("span", { class: "muted" }, beside));
  };

  const problems = (found) => {
    editor.mark(found);
    $("problems").replaceChildren(...found.map((one) => el("button", { class: one.severity, onclick: () => { editor.goTo(one.line); editor.focus(); } }, `line ${one.line}: ${one.message}`)));
  };

  const HEARD = {
    explore: {
      read: (message) => {
        problems(message.problems);
        if (message.problems.some((one) => one.severity === "error")) {
          for (const shown of ["progress", "player", "said", "compared"]) $(shown).hidden = true;
          $("findings").replaceChildren();
          verdict("open", "not a scenario yet", `${message.problems.length} problem${message.problems.length === 1 ? "" : "s"}`);
        } else if ($("tab-play").getAttribute("aria-selected") === "true") play([]);
      },
      progress: (message) => {
        $("progress").hidden = false;
        $("progress-said").textContent = `${message.states.toLocaleString("en")} states, ${message.seconds} s`;
        if (state.verdict) verdict("open", "searching", `was ${state.verdict}`);
      },
      explored: (message) => {
        $("progress").hidden = true;
        const kind = message.verdict === "incomplete" ? "open" : message.ok ? "good" : "bad";
        const expected = message.ok ? (message.verdict === "holds" ? "" : ", as expected") : `, but the file expects ${message.expected.join(" or ")}`;
        verdict(kind, message.verdict + expected, message.closed ? `${message.states.toLocaleString("en")} states: every schedule is among them` : "a limit came first");
        $("compared").hidden = !(state.verdict && state.verdict !== message.verdict);
        if (!$("compared").hidden) $("compared").textContent = `was ${state.verdict}, now ${message.verdict}`;
        state.verdict = message.verdict;
        const outcomes = message.outcomes.length ? [`outcomes: ${message.outcomes.join(", ")}`] : [];
        $("findings").replaceChildren(...[...message.sentences, ...message.races, ...outcomes].map((one) => el("li", {}, one)));
        $("said").hidden = false;
        $("said").querySelector("pre").textContent = message.text;
        if (!message.sentences.length) $("player").hidden = true;
      },
      page: (message) => show($("player"), message.key),
      refused: (message) => { $("progress").hidden = true; verdict("open", "not searched", message.message); },
    },
    simulate: { ran: (m) => ran(m), page: (m) => show($("page"), m.key), refused: (m) => ran({ way: m.message, verdict: "not run", ok: false }), read: () => {} },
    run: { ran: (m) => ran(m), page: (m) => show($("page"), m.key), refused: (m) => ran({ way: m.message, verdict: "not run", ok: false }), read: () => {} },
    finish: { finished: (message) => finished(message), refused: (m) => $("finished").replaceChildren(m.message), read: () => {} },
    play: { played: (message) => played(message), refused: (m) => $("over").replaceChildren(el("p", {}, m.message)), read: () => {} },
  };

  const show = (frame, key) => {
    frame.hidden = false;
    frame.src = `result/${encodeURIComponent(key)}`;
  };

  const ran = (message) => { $("ran").textContent = `${message.way}: ${message.verdict}`; };

  /* --- playing */

  const play = (taken) => {
    state.taken = taken;
    ask("play", { taken });
  };

  const played = (message) => {
    const line = (one) => (one.line ? el("button", { class: "muted", title: "show the line", onclick: () => editor.goTo(one.line) }, `line ${one.line}`) : "");
    $("options").replaceChildren(...message.options.map((one, number) => el("li", {}, el("button", { onclick: () => { state.undone = []; play([...state.taken, number]); } }, el("span", { class: "who" }, one.thread), ` ${one.text}`), " ", line(one))));
    $("over").replaceChildren(...(message.ended ? (message.over.length ? message.over : ["everyone has ended, and all that is expected holds"]).map((one) => el("p", { class: "finding" }, one)) : []));
    const held = message.held.map((one) => `${one.thread} holds ${one.names.join(", ")}`);
    $("blocked").replaceChildren(...[...held, ...message.blocked].map((one) => el("li", {}, one)));
    $("values").replaceChildren(...Object.entries(message.values).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    $("taken").replaceChildren(...message.steps.map((one) => el("li", {}, el("span", { class: "who" }, one.thread), ` ${one.text} `)));
    state.taken = state.taken.slice(0, message.steps.length);
    $("finished").replaceChildren();
    $("back").disabled = !state.taken.length;
    $("forward").disabled = !state.undone.length;
  };

  /* Whether it can still end badly from here, and the way there, to be taken with a click. */
  const finished = (message) => {
    if (!message.bad) {
      $("finished").textContent = message.closed ? `It cannot end badly any more: none of the ${message.states.toLocaleString("en")} states from here on does. What goes on for ever is not looked for.` : `Not found in ${message.states.toLocaleString("en")} states; there are more.`;
      return;
    }
    const far = message.steps.length;
    const way = far ? el("button", { onclick: () => { state.undone = []; play([...state.taken, ...message.numbers]); } }, `Take these ${far} step${far === 1 ? "" : "s"}`) : "";
    $("finished").replaceChildren(el("p", {}, `Yes: ${message.over.join("; ")}`), el("ol", {}, ...message.steps.map((one) => el("li", {}, el("span", { class: "who" }, one.thread), ` ${one.text}`))), way);
  };
  $("finish").addEventListener("click", () => ask("finish", { taken: state.taken }));

  $("back").addEventListener("click", () => { state.undone.push(state.taken.at(-1)); play(state.taken.slice(0, -1)); });
  $("forward").addEventListener("click", () => play([...state.taken, state.undone.pop()]));
  $("again").addEventListener("click", () => { state.undone = []; play([]); });

  /* --- files */

  const listFiles = (files) => {
    $("files").replaceChildren(el("option", { value: "" }, "not saved yet"), ...files.map((name) => el("option", { value: name }, name)));
    $("files").value = files.includes(state.file) ? state.file : "";
  };

  const openText = (text, file) => {
    state.file = file;
    state.saved = file ? text : "";
    $("name").value = file;
    $("files").value = file;
    state.verdict = "";
    editor.set(text);
  };

  const fetched = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({ message: answer.statusText }))).message);
    return answer.text();
  };

  $("files").addEventListener("change", async () => {
    if ($("files").value) openText(await fetched(`file?name=${encodeURIComponent($("files").value)}`), $("files").value);
  });
  $("library").addEventListener("change", async () => {
    const name = $("library").value;
    if (![...$("shipped").options].some((one) => one.value === name)) return;
    openText(await fetched(`library?name=${encodeURIComponent(name)}`), "");
    $("name").value = name.split("/").at(-1);
    $("library").value = "";
    editor.focus();
  });

  const save = async () => {
    const name = $("name").value.trim();
    const answer = await fetch(`file?name=${encodeURIComponent(name)}`, { method: "PUT", body: editor.text() });
    const told = await answer.json().catch(() => ({ message: answer.statusText }));
    if (!answer.ok) {
      verdict("open", "not saved", told.message);
      $("name").focus();
      return;
    }
    state.file = name;
    state.saved = editor.text();
    listFiles(told.files);
    $("save").textContent = "Saved";
  };
  $("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  window.addEventListener("beforeunload", (event) => {
    if (state.file && editor.text() !== state.saved) event.preventDefault();
  });

  /* --- what is shown */

  const tabs = [...document.querySelectorAll("[role=tab]")];
  const choose = (tab) => {
    for (const one of tabs) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      $(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (tab.id === "tab-play") play(state.taken);
  };
  for (const [at, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(at + step + tabs.length) % tabs.length];
      next.focus();
      choose(next);
    });
  }
  $("stop").addEventListener("click", () => {
    socket.send(JSON.stringify({ do: "stop", slot: "explore" }));
    $("progress").hidden = true;
    verdict("open", "stopped", "the search was ended; type to begin another");
  });
  $("simulate").addEventListener("click", () => ask("simulate"));
  $("threads").addEventListener("click", () => ask("run"));
  const dark = (is) => document.documentElement.classList.toggle("dark", is);
  dark(matchMedia("(prefers-color-scheme: dark)").matches);
  $("theme").addEventListener("click", () => dark(!document.documentElement.classList.contains("dark")));

  const changed = () => {
    $("save").textContent = "Save";
    clearTimeout(state.timer);
    state.timer = setTimeout(() => { state.taken = []; state.undone = []; ask("explore"); }, PAUSE_MS);
  };

  const begin = async () => {
    const known = JSON.parse(await fetched("begin"));
    editor = scenrunEditor.open({ parent: $("editor"), text: "", words: known.words, changed });
    $("shipped").replaceChildren(...known.library.map((name) => el("option", { value: name.replace(/\.yaml$/, "") })));
    listFiles(known.files);
    const first = known.first || known.files[0];
    openText(first ? await fetched(`file?name=${encodeURIComponent(first)}`) : await fetched("library?name=lost_update"), first || "");
    clearTimeout(state.timer);
    connect();
    window.studio = Object.freeze({ editor, state });
  };
  begin();
})();
