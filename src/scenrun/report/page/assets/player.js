/* The player of a counterexample: step by step, what each thread does, holds and waits for, and what has changed. */

const player = (() => {
  const told_ = data.player;
  if (!told_) return { build: () => {}, present: false };
  const MOST_COLUMNS = 40;
  const MOST_THREADS = 60;
  const steps = told_.steps;
  const state = { at: 0, values: { ...told_.initial }, timer: 0, only: "" };
  let list = null;
  let parts = null;

  /* The values after the first `k` steps. */
  const stateAt = (k) => {
    const values = { ...told_.initial };
    for (const step of steps.slice(0, k)) for (const [key, , after] of step.changes) values[key] = after;
    return values;
  };

  const go = (k, by = "") => {
    const next = Math.max(0, Math.min(steps.length, k));
    while (state.at < next) for (const [key, , after] of steps[state.at++].changes) state.values[key] = after;
    while (state.at > next) for (const [key, before] of [...steps[--state.at].changes].reverse()) state.values[key] = before;
    show();
    if (by !== "play") stop();
    const step = steps[state.at - 1];
    select({ line: step?.line || 0 }, "player");
  };

  /* The positions of the steps that are shown: all, or only those of one thread or with one object. */
  let visible = [...steps.keys()];
  const touches = (step, name) => step.object === name || step.changes.some(([key]) => key === `value:${name}` || key === `object:${name}`);
  const isShown = (step) => {
    const at = state.only.indexOf(":");
    const name = state.only.slice(at + 1);
    return at < 0 || (state.only.startsWith("thread:") ? step.thread === name : touches(step, name));
  };
  const project = (only) => {
    state.only = only;
    visible = [...steps.keys()].filter((i) => isShown(steps[i]));
    fit();
    list.reset();
    show();
  };
  /* The number of the next shown step, or of the one before. */
  const later = () => (visible.find((i) => i >= state.at) ?? steps.length - 1) + 1;
  const earlier = () => (visible.findLast((i) => i + 1 < state.at) ?? -1) + 1;
  const rowAt = () => Math.max(0, visible.findLastIndex((i) => i < state.at));
  const fit = () => (parts.body.style.height = `${Math.min(320, Math.max(1, visible.length) * 24 + 2)}px`);

  const keys_ = [...new Set([...Object.keys(told_.initial), ...steps.flatMap((step) => step.changes.map(([key]) => key))])];
  const namesOf = (kind) => keys_.filter((key) => key.startsWith(`${kind}:`)).map((key) => key.slice(kind.length + 1));
  const shared = [["value", namesOf("value")], ["object", namesOf("object")]];

  /* One column a thread that moves; very many threads share one column, beside their names. */
  const moving = told_.threads.filter((name) => steps.some((step) => step.thread === name));
  const apart = moving.length <= MOST_COLUMNS;
  const heads = apart ? moving : ["thread", "does"];
  const cellsOf = (step) => (apart ? moving.map((name) => (name === step.thread ? step.text : "")) : [step.thread, step.text]);

  const changedNow = () => new Map((steps[state.at - 1]?.changes || []).map(([key, before]) => [key, before]));

  const isBlocked = (where) => /^(waits|blocked)\b/.test(where || "");
  const valueCell = (key, changed) => {
    const now = state.values[key] ?? "";
    const was = changed.get(key);
    return el("td", { class: changed.has(key) ? "changed" : "", "data-key": key },
      was ? el("span", { class: "was" }, bdi(was)) : "", el("bdi", { class: isBlocked(now) ? "blocked value" : "value" }, now));
  };

  const hasLocals = namesOf("locals").some((name) => told_.initial[`locals:${name}`] || steps.some((step) => step.changes.some(([key]) => key === `locals:${name}`)));

  /* Of very many threads those that have changed, wait or hold something. */
  const threadsNow = (changed) => {
    if (told_.threads.length <= MOST_THREADS) return told_.threads;
    const tells = (name) => changed.has(`thread:${name}`) || changed.has(`holds:${name}`) || state.values[`holds:${name}`] || isBlocked(state.values[`thread:${name}`]);
    return told_.threads.filter(tells).slice(0, MOST_THREADS);
  };

  const threadRows = (changed) => {
    const names = threadsNow(changed);
    const left = told_.threads.length - names.length;
    return [
      names.map((name) => el("tr", {}, el("th", { scope: "row" }, bdi(name)), valueCell(`thread:${name}`, changed), valueCell(`holds:${name}`, changed), hasLocals ? valueCell(`locals:${name}`, changed) : "")),
      left ? el("tr", {}, el("td", { colspan: 4, class: "muted" }, `and ${plural(left, "more thread")}`)) : "",
    ];
  };

  const stateTable = (heads, lines, name) => el("div", { class: "scroll" }, el("table", { "aria-label": name },
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, lines)));

  const showStates = () => {
    const changed = changedNow();
    const sharedRows = shared.flatMap(([kind, names]) => names.map((name) => el("tr", {}, el("th", { scope: "row" }, bdi(name)), valueCell(`${kind}:${name}`, changed))));
    parts.states.replaceChildren(
      stateTable(["thread", "where it is", "holds", ...(hasLocals ? ["locals"] : [])], threadRows(changed), "Threads after this step"),
      sharedRows.length ? stateTable(["shared", "value"], sharedRows, "Shared values after this step") : "",
    );
  };

  const showStep = () => {
    const step = steps[state.at - 1];
    const isEnd = state.at === steps.length;
    const said = step ? [el("strong", {}, bdi(step.thread)), " ", bdi(step.text), step.line ? el("span", { class: "muted" }, ` (line ${step.line})`) : ""] : [el("span", { class: "muted" }, "Before the first step.")];
    if (step?.switched) said.unshift(el("div", { class: "own" }, "switched: ", bdi(step.switched)));
    for (const own of step?.own ?? []) said.push(el("div", { class: own.kind === "raised" ? "own bad" : "own" }, own.thread === step.thread ? "" : `${own.thread}: `, bdi(own.text), own.line ? el("span", { class: "muted" }, ` (line ${own.line})`) : ""));
    if (step?.fault) said.push(el("div", { class: "verdict bad" }, bdi(step.fault)));
    if (step?.broke?.length) said.push(el("div", {}, "breaks: ", bdi(step.broke.join(", "))));
    if (isEnd && told_.finding) said.push(el("div", {}, el("strong", {}, told_.finding.kind), ": ", bdi(told_.finding.message)));
    if (isEnd && told_.cycle_from) said.push(el("div", {}, `From here it goes on as from step ${told_.cycle_from}, for ever.`));
    parts.said.replaceChildren(...said);
    parts.said.classList.toggle("end", isEnd && Boolean(told_.finding));
  };

  const show = () => {
    parts.slider.value = String(state.at);
    parts.slider.setAttribute("aria-valuetext", `step ${state.at} of ${steps.length}`);
    parts.count.textContent = `step ${count(state.at)} of ${count(steps.length)}`;
    for (const [name, off] of [["first", !state.at], ["back", !state.at], ["forward", state.at === steps.length], ["last", state.at === steps.length]]) parts[name].disabled = off;
    showStep();
    showStates();
    list.show(rowAt());
    showColumn();
    for (const [row, node] of list.shown) dress(node, visible[row]);
  };

  /* Brings the column of the thread that moves into sight. */
  const showColumn = () => {
    const body = parts.body;
    const left = first + moving.indexOf(steps[state.at - 1]?.thread) * (least + 12);
    if (apart && state.at && (left < body.scrollLeft || left + least > body.scrollLeft + body.clientWidth)) body.scrollLeft = left - 60;
  };

  const dress = (node, i) => {
    node.classList.toggle("now", i === state.at - 1);
    node.classList.toggle("future", i >= state.at);
    node.setAttribute("aria-selected", String(i === state.at - 1));
  };

  /* The signs of rounds that are the same: a bracket at the first one, with how often it comes. */
  const bracketOf = (number) => {
    const one = (told_.rounds ?? []).find((rounds) => number >= rounds.from && number < rounds.from + rounds.steps);
    if (!one) return ["", ""];
    const last = one.from + one.steps - 1;
    return [one.steps === 1 ? "[ " : number === one.from ? "┌ " : number === last ? "└ " : "│ ", number === last ? ` ×${one.times}` : ""];
  };

  const makeRow = (row) => {
    const i = visible[row];
    const step = steps[i];
    const from = told_.cycle_from && step.number === told_.cycle_from ? "↻ " : "";
    const [sign, times] = bracketOf(step.number);
    const node = el("div", { class: `grid-row${step.fault || step.broke?.length ? " fault" : ""}${step.switched ? " switch" : ""}`, role: "row", "aria-rowindex": String(row + 2), onclick: () => go(i + 1) },
      el("span", { class: "number muted", role: "gridcell" }, from + sign + step.number + times),
      cellsOf(step).map((text) => el("span", { role: "gridcell", class: text === step.text ? "what" : "", title: text || null }, text && bdi(text))),
      el("span", { class: "line muted right", role: "gridcell" }, step.line || ""));
    node.style.gridTemplateColumns = columns;
    dress(node, i);
    return node;
  };

  const least = heads.length > 4 ? 112 : 150;
  const first = told_.rounds?.length ? 72 : 48;
  const columns = `${first}px ${heads.slice(1).map(() => `minmax(${least}px, 1fr)`).join(" ")} minmax(${least + 48}px, 1.3fr) 40px`;

  const play = () => {
    if (state.timer) return stop();
    if (state.at === steps.length) go(0, "play");
    parts.play.replaceChildren(signOf("pause"));
    parts.play.setAttribute("aria-label", "Pause");
    const tick = () => {
      go(later(), "play");
      if (state.at === steps.length) stop();
      else state.timer = setTimeout(tick, Number(parts.speed.value));
    };
    state.timer = setTimeout(tick, Number(parts.speed.value) / 2);
  };
  const stop = () => {
    clearTimeout(state.timer);
    state.timer = 0;
    parts.play.replaceChildren(signOf("play"));
    parts.play.setAttribute("aria-label", "Play");
  };

  const SIGNS = { first: "M3 2h2v10H3zM13 2v10L6 7z", back: "M11 2v10L4 7z", play: "M4 2v10l8-5z", pause: "M3 2h3v10H3zM8 2h3v10H8z", forward: "M3 2v10l7-5z M11 2h1.5v10H11z", last: "M9 2h2v10H9zM1 2v10l7-5z" };
  const signOf = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", SIGNS[name]);
    svg.setAttribute("viewBox", "0 0 14 14");
    svg.setAttribute("aria-hidden", "true");
    svg.append(path);
    return svg;
  };
  const button = (name, label, act) => (parts[name] = el("button", { type: "button", "aria-label": label, title: label, onclick: act }, signOf(name)));

  const build = () => {
    parts = {};
    const home = $("player");
    home.hidden = false;
    parts.slider = el("input", { type: "range", min: "0", max: String(steps.length), value: "0", "aria-label": "Step", oninput: (event) => go(Number(event.target.value)) });
    parts.count = el("span", { class: "muted", role: "status" });
    parts.speed = el("select", { "aria-label": "Speed" }, [[2000, "0.5×"], [1000, "1×"], [500, "2×"], [200, "5×"]].map(([ms, name]) => el("option", { value: ms, selected: ms === 1000 }, name)));
    parts.said = el("div", { class: "told-step", role: "status", "aria-live": "polite" });
    parts.states = el("div", { class: "states" });
    const controls = el("div", { class: "controls" }, el("span", { class: "choice" },
      button("first", "First step (Home)", () => go(0)), button("back", "Step back (k, ←)", () => go(earlier())),
      button("play", "Play", play), button("forward", "Step forward (j, →)", () => go(later())), button("last", "Last step (End)", () => go(steps.length))),
      parts.slider, parts.count, parts.speed, choice());
    const body = parts.body = el("div", { class: "grid-body", tabindex: "0", role: "rowgroup", "aria-label": "Steps" });
    const head = el("div", { class: "grid-head", role: "row" }, el("span", { role: "columnheader", class: "right" }, "step"), heads.map((name) => el("span", { role: "columnheader" }, bdi(name))), el("span", { role: "columnheader", class: "right" }, "line"));
    head.style.gridTemplateColumns = columns;
    const grid = el("div", { class: "grid steps", role: "grid", "aria-label": "Steps of the counterexample", "aria-rowcount": String(steps.length + 1) }, head, body);
    add(home, [el("div", { class: "bar" }, el("h2", {}, "Player"), el("span", { class: "muted" }, [told_.time, told_.left_out ? `${plural(told_.left_out, "step")} left out` : ""].filter(Boolean).join(" · "))), controls, grid, parts.said, parts.states]);
    list = longList(body, 24, () => visible.length, makeRow);
    body.firstChild.style.minWidth = `${first + heads.length * (least + 12) + 124}px`;
    fit();
    body.addEventListener("scroll", () => (head.scrollLeft = body.scrollLeft), { passive: true });
    list.reset();
    home.addEventListener("keydown", keys);
    document.addEventListener("keydown", arrows, { capture: true });
    show();
    if (told_.opens_at) go(told_.opens_at);
  };

  /* Of the steps only those of a thread, or with an object. */
  const choice = () => {
    const objects = [...namesOf("value"), ...namesOf("object")].filter((name) => steps.some((step) => touches(step, name)));
    const group = (label, kind, names) => (names.length ? el("optgroup", { label }, names.map((name) => el("option", { value: `${kind}:${name}` }, name))) : "");
    return el("select", { "aria-label": "Steps shown", onchange: (event) => project(event.target.value) },
      el("option", { value: "" }, "all steps"), group("of one thread", "thread", moving), group("with one object", "object", objects));
  };

  const isTyping = (target) => target.matches?.("input, select, textarea, [role=slider]") || $("keys").open;

  /* Left and right step wherever the focus is; with Shift they are what they are without a player. */
  const arrows = (event) => {
    const step = { ArrowRight: later, ArrowLeft: earlier }[event.key];
    if (!step || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    go(step());
    event.preventDefault();
    event.stopPropagation();
  };

  const keys = (event) => {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = { ArrowDown: later, ArrowUp: earlier };
    if (acts[event.key]) go(acts[event.key]());
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(steps.length);
    else if (event.key === " " && !event.target.matches("button")) play();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return { build, present: true, go, state, stateAt, forward: () => go(later()), back: () => go(earlier()), project, play };
})();
