/* The page as a whole: its parts in their order, light and dark, keys for all of it, and what scripts may ask of it. */

const KEYS_SHOWN = [
  ["?", "these keys"], ["d", "light or dark"], ["/", "filter the lines"], ["t, e", "axis by time, by event"],
  ["+ − 0", "zoom in, out, fit"], ["← →", "move along the axis (in the timeline)"], ["↑ ↓", "move through the lanes (in the timeline)"],
  ["w s", "choose a lane (in the timeline)"], ["p", "pin it on top, or take the pin away (in the timeline); also a click on its name"], [", .", "choose a bar in the lane (in the timeline)"], ["Esc", "nothing measured, nothing chosen"],
  ["wheel, pinch", "zoom; with Shift: move"], ["drag", "move"],
  ["c", "critical path"], ["m", "measure by dragging; also Shift and drag"], ["[ ]", "measure from, to what is chosen (in the timeline)"],
];
const PLAYER_KEYS = [["j k ← →", "a step forward, back"], ["Space", "play or pause (in the player)"], ["Home End", "first, last step (in the player)"]];

const legend = () => {
  const isDrawn = (what, bar) => whatNames[what] !== "queued" || !isWorker(laneNumber(bars.thread[bar]));
  const used = new Set(Array.from(bars.what).filter(isDrawn).map((what) => whatNames[what]));
  $("legend").replaceChildren(
    ...KINDS.filter((kind) => used.has(kind)).map((kind) => {
      const sample = el("canvas", { width: 52, height: 24, "aria-hidden": "true" });
      const c = sample.getContext("2d");
      c.scale(2, 2);
      c.fillStyle = patternOf(c, kind);
      c.fillRect(0, 0, 26, 12);
      return el("span", {}, sample, WORDS[kind]);
    }),
    data.findings.length ? el("span", {}, el("strong", { class: "sign" }, "✕"), "found") : "",
  );
};

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const setTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  repaint();
  legend();
  figureTables.repaintBars();
  overview.paint();
  timeline.redraw();
};
const toggleTheme = () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");

const showKeys = () => {
  const dialog = $("keys");
  dialog.replaceChildren(
    el("h2", { id: "keys-title" }, "Keys"),
    el("dl", {}, [...(player.present ? PLAYER_KEYS : []), ...KEYS_SHOWN].map(([keys, text]) => [el("dt", {}, el("kbd", {}, keys)), el("dd", {}, text)])),
    el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
  );
  if (!dialog.open) dialog.showModal();
};

const PAGE_KEYS = {
  "?": showKeys, d: toggleTheme, t: () => range.setAxis("time"), e: () => range.setAxis("event"), "+": () => range.zoom(0.6), "=": () => range.zoom(0.6),
  "-": () => range.zoom(1 / 0.6), 0: range.fit, "/": () => $("filter").focus(), Escape: () => measured.clear() || select({}, "page"),
  c: () => criticalPath.toggle(), m: measured.toggle,
  j: () => player.present && player.forward(), k: () => player.present && player.back(),
};

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || $("keys").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = PAGE_KEYS[event.key];
  if (!act) return;
  act();
  event.preventDefault();
});

$("help").addEventListener("click", showKeys);
$("theme").addEventListener("click", toggleTheme);
prefersDark.addEventListener("change", () => setTheme(prefersDark.matches ? "dark" : "light"));
window.addEventListener("resize", () => {
  timeline.layout();
  table.redraw();
  figureTables.makeReachable();
});

if (player.present) $("player").hidden = false;
document.documentElement.dataset.theme = prefersDark.matches ? "dark" : "light";
summary.build();
source.build();
table.build();
range.showAxis();
timeline.layout();
range.fit();
pointing.showDetail();
player.build();
setTheme(document.documentElement.dataset.theme);
address.restore();
timeline.draw();

/* What tests and scripts may ask; it changes nothing but what is shown. */
window.scenrun = Object.freeze({
  data, bars: timeline.boxes, selection: () => ({ bar: selection.bar, row: selection.row, line: selection.line }),
  view: () => ({ axis: range.state.axis, from: range.state.from, to: range.state.to }),
  setView: range.set, setAxis: range.setAxis, drawn: () => ({ ...timeline.state.drawn }), draw: timeline.draw,
  lanes: () => lanes.map(({ kind, name, top, height, isPinned }) => ({ kind, name, top, height, isPinned })), total: table.total,
  row: (row) => ({ at: rows.at[row], t: rows.t[row], thread: threadOf(row), event: eventOf(row), object: objectOf(row), line: rows.line[row], detail: detailOf(row) }),
  measured: () => ({ ...measured.state }), address: address.text,
  player: player.present ? { at: () => player.state.at, go: player.go, project: player.project, stateAt: player.stateAt, values: () => ({ ...player.state.values }) } : null,
});
