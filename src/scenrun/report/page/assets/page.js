/* The page as a whole: its parts in their order, light and dark, keys for all of it, and what scripts may ask of it. */

const KEYS_SHOWN = [
  ["?", "these keys"], ["d", "light or dark"], ["/", "filter the lines"], ["t, e", "axis by time, by event"],
  ["+ − 0", "zoom in, out, fit"], ["← →", "move along the axis (in the timeline)"], ["↑ ↓", "move through the lanes (in the timeline)"],
  ["w s", "choose a lane (in the timeline)"], [", .", "choose a bar in the lane (in the timeline)"], ["Esc", "nothing chosen"],
  ["wheel, pinch", "zoom; with Shift: move"], ["drag", "move"],
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
  "?": showKeys, d: toggleTheme, t: () => timeline.setAxis("time"), e: () => timeline.setAxis("event"), "+": () => timeline.zoom(0.6), "=": () => timeline.zoom(0.6),
  "-": () => timeline.zoom(1 / 0.6), 0: timeline.fit, "/": () => $("filter").focus(), Escape: () => select({}, "page"),
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
});

if (player.present) $("player").hidden = false;
document.documentElement.dataset.theme = prefersDark.matches ? "dark" : "light";
summary.build();
source.build();
table.build();
$("by-time").setAttribute("aria-pressed", String(timeline.state.axis === "time"));
$("by-event").setAttribute("aria-pressed", String(timeline.state.axis === "event"));
timeline.layout();
timeline.fit();
timeline.showDetail();
player.build();
setTheme(document.documentElement.dataset.theme);
timeline.draw();

/* What tests and scripts may ask; it changes nothing but what is shown. */
window.scenrun = Object.freeze({
  data, bars: timeline.boxes, selection: () => ({ bar: selection.bar, row: selection.row, line: selection.line }),
  view: () => ({ axis: timeline.state.axis, from: timeline.state.from, to: timeline.state.to }),
  setView: timeline.setView, setAxis: timeline.setAxis, drawn: () => ({ ...timeline.state.drawn }), draw: timeline.draw,
  lanes: () => lanes.map(({ kind, name, top, height }) => ({ kind, name, top, height })), total: table.total,
  row: (row) => ({ at: rows.at[row], t: rows.t[row], thread: threadOf(row), event: eventOf(row), object: objectOf(row), line: rows.line[row], detail: detailOf(row) }),
  player: player.present ? { at: () => player.state.at, go: player.go, project: player.project, stateAt: player.stateAt, values: () => ({ ...player.state.values }) } : null,
});
