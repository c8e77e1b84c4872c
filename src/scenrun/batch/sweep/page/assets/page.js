/* Puts the page together, and draws it again when something else is chosen. */

const chosen = { x: null, series: null, figure: data.shown[0] || figureNames[0], fixed: {} };
let marks = [], lines = [];

const isNumeric = (at) => data.parameters[at].numbers.every((number) => number !== null);
const size = (at) => occurring(at).length;
const best = (among) => [...among].sort((one, other) => isNumeric(other) - isNumeric(one) || size(other) - size(one) || one - other)[0] ?? null;

const begin = () => {
  chosen.x = best(varied);
  chosen.series = best(varied.filter((at) => at !== chosen.x));
  fix();
};

/* Every other parameter has one value, which can be chosen. */
const fix = () => {
  const before = chosen.fixed;
  chosen.fixed = {};
  for (const at of varied) if (at !== chosen.x && at !== chosen.series) chosen.fixed[at] = before[at] ?? occurring(at)[0];
};

const linesOf = () => {
  const { x, series, figure, fixed } = chosen;
  const found = new Map();
  for (const at of matching(fixed)) {
    const key = series === null ? 0 : data.parameters[series].at[at];
    const point = pointOf(figure, at);
    if (!found.has(key)) found.set(key, []);
    if (point) found.get(key).push({ ...point, x: x === null ? 0 : data.parameters[x].at[at] });
  }
  const scale = x === null ? null : scaleOf(x, occurring(x)).place;
  const all = [...found.entries()].sort(([one], [other]) => one - other);
  const shown = spread(all, MOST_SERIES);
  return {
    cut: all.length - shown.length,
    lines: shown.map(([key, points], number) => ({
      number, name: series === null ? "" : nameOf(series, key),
      points: scale ? points.sort((one, other) => scale.get(one.x) - scale.get(other.x)) : points.slice(0, 1),
    })),
  };
};

const tell = (at) => {
  const point = pointOf(chosen.figure, at);
  const about = varied.map((one) => `${data.parameters[one].name} ${nameOf(one, data.parameters[one].at[at])}`).join(", ");
  const digits = 5;
  const said = point ? `${chosen.figure}: mean ${short(point.mean, digits)}${point.count > 1 ? ` ± ${short(point.margin, 3)} (95 %), ${short(point.low, digits)} to ${short(point.high, digits)} in ${counted(point.count, "run")}` : ""}` : "";
  byId("detail").textContent = [about, said, data.verdicts[at]].filter(Boolean).join(" · ");
};

const drawChoices = () => {
  const others = (own) => varied.filter((at) => at !== own).map((at) => [at, data.parameters[at].name]);
  const draw = () => { fix(); drawChoices(); redraw(); };
  const parts = [select("figure", figureNames.map((name) => [name, name]), chosen.figure, (value) => { chosen.figure = value; redraw(); })];
  if (varied.length) parts.push(select("across", varied.map((at) => [at, data.parameters[at].name]), chosen.x, (value) => {
    if (Number(value) === chosen.series) chosen.series = chosen.x;
    chosen.x = Number(value);
    draw();
  }));
  if (varied.length > 1) parts.push(select("lines", [["", "none"], ...others(chosen.x)], chosen.series ?? "", (value) => {
    chosen.series = value === "" ? null : Number(value);
    draw();
  }));
  for (const at of Object.keys(chosen.fixed).map(Number)) {
    parts.push(select(data.parameters[at].name, occurring(at).map((value) => [value, nameOf(at, value)]), chosen.fixed[at], (value) => {
      chosen.fixed[at] = Number(value);
      redraw();
    }));
  }
  const focused = document.activeElement?.getAttribute("aria-label");
  byId("choices").replaceChildren(...parts);
  if (focused) [...byId("choices").querySelectorAll("select")].find((one) => one.getAttribute("aria-label") === focused)?.focus();
};

const redraw = () => {
  const found = linesOf();
  lines = found.lines;
  byId("chart-title").textContent = `${chosen.figure}${data.seeds * data.repeat > 1 ? ", mean and 95 % confidence" : ""}`;
  drawLegend(byId("legend"), lines, chosen.series);
  marks = drawChart(byId("chart"), { ...chosen, lines }, tell);
  const notes = [];
  if (found.cut) notes.push(`${found.cut} lines of other values are left out; choose "across" and "lines" the other way round, or see the table below`);
  if (lines.length > MOST_BANDS && marks.some((one) => one.margin > 0)) notes.push(`${lines[0].points.length > MANY_POINTS ? "thin lines" : "whiskers, each a little aside"}: 95 % confidence; point at a line, or choose its name, for its band`);
  if (marks.some((one) => one.bad)) notes.push("hollow: runs that are not as expected");
  byId("chart-note").textContent = notes.join("; ");
  const hasMap = chosen.x !== null && chosen.series !== null;
  byId("map-figure").hidden = !hasMap;
  if (hasMap) {
    byId("map-title").textContent = `${chosen.figure}, mean`;
    drawMap(byId("map"), byId("map-note"), chosen, tell);
  }
  if (byId("combinations").querySelector("details").open) drawCombinations();
};

const drawHead = () => {
  document.title = `${data.scenario} – scenrun sweep`;
  byId("title").textContent = data.scenario;
  const bad = data.not_as_expected;
  byId("verdict").textContent = bad ? `${bad.toLocaleString("en")} of ${counted(data.cells, "cell")} not as expected` : `all ${counted(data.cells, "cell")} as expected`;
  byId("verdict").classList.toggle("bad", bad > 0);
  const past = { run: "run on real threads", simulate: "simulated", explore: "explored" }[data.how];
  const options = Object.entries(data.options).map(([name, value]) => `${name} ${value}`);
  byId("facts").textContent = [data.file, `${counted(data.runs.length, "combination")} ${past}`,
    `${counted(data.seeds, "seed")} from ${data.first_seed}`, data.repeat > 1 ? `${data.repeat} times each` : "", ...options,
    data.cells < data.wanted ? `${data.cells.toLocaleString("en")} of ${data.wanted.toLocaleString("en")} cells are done` : ""].filter(Boolean).join(" · ");
  byId("notes").hidden = !data.notes.length;
  byId("notes").append(...data.notes.map((note) => element("p", {}, note)));
};

const cellRow = (cell) => [
  cell.about || "–", cell.seed, element("span", { class: cell.ok ? "" : "bad-word" }, cell.verdict), seconds(cell.took_s), cell.said || "–",
  element("div", {}, copied(cell.report), cell.ok ? null : copied(cell.again)),
];
const HEADS = [["cell"], ["seed", "number"], ["verdict"], ["took", "number"], ["what was found", "said"], ["its report, and the same again"]];

const drawCells = (name, title, cells) => {
  byId(name).hidden = !cells.length;
  byId(`${name}-title`).textContent = title;
  if (cells.length) byId(`${name}-table`).replaceChildren(table(HEADS, cells.map(cellRow)));
};

const MOST_LISTED = 1000;
const drawCombinations = () => {
  const heads = [...data.parameters.map((one) => [one.name]), ["runs", "number"], ["verdicts"], [chosen.figure, "number"], ["± 95 %", "number"], ["least", "number"], ["most", "number"]];
  const rows = data.runs.slice(0, MOST_LISTED).map((runs, at) => {
    const point = pointOf(chosen.figure, at);
    return [...data.parameters.map((one, parameter) => nameOf(parameter, one.at[at])), String(runs), data.verdicts[at],
      ...(point ? [point.mean, point.margin, point.low, point.high] : [null, null, null, null]).map((number) => short(number, 5))];
  });
  byId("combinations-table").replaceChildren(table(heads, rows));
};

const drawTheme = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = (theme) => { document.documentElement.dataset.theme = theme; };
  set(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => set(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => set(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
};

drawTheme();
drawHead();
begin();
drawChoices();
redraw();
drawCells("failing", `Not as expected (${data.not_as_expected.toLocaleString("en")}${data.failing.length < data.not_as_expected ? `, the first ${data.failing.length}` : ""})`, data.failing);
drawCells("slowest", "Slowest cells", data.slowest);
byId("combinations-title").textContent = `All ${counted(data.runs.length, "combination")}${data.runs.length > MOST_LISTED ? ` (the first ${MOST_LISTED.toLocaleString("en")})` : ""}`;
byId("combinations").querySelector("details").addEventListener("toggle", drawCombinations);
byId("choices").addEventListener("submit", (event) => event.preventDefault());

/* For tests and scripts: what is drawn, as numbers. */
window.scenrun = Object.freeze({
  get chosen() { return { ...chosen, fixed: { ...chosen.fixed } }; },
  get marks() { return marks.map((one) => ({ ...one })); },
  get lines() { return lines.map((line) => ({ name: line.name, points: line.points.map((one) => [one.x, one.mean, one.margin]) })); },
});
