/* Draws lines of means with the 95 % confidence interval around each: as bands while they can be told apart, and where there are
   more lines as whiskers, or thin edges, with the band of the one that is pointed at. */

const WIDTH = 640, HEIGHT = 380, LEFT = 64, RIGHT = 16, TOP = 12, BOTTOM = 46;
const MOST_SERIES = 8, MOST_BANDS = 3;
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "", "7 4", "2 3", "9 3 2 3"];

const ticksOf = (low, high, count = 5) => {
  const rough = (high - low) / count || Math.abs(high) || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * size).find((one) => one >= rough);
  const out = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) out.push(at * step);
  return out;
};

/* From nothing on where that leaves the lines room, else from a little below the lowest. */
const rangeOf = (points) => {
  const low = Math.min(...points.map((one) => one.mean - one.margin)), high = Math.max(...points.map((one) => one.mean + one.margin));
  if (low >= 0 && low < 0.6 * high) return [0, high * 1.04];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - room, high + room];
};

/* What stands below the axis: the values, or round numbers where there are very many values. */
const MOST_VALUES = 16, MANY_POINTS = 40;
const marksOf = (x, values, scale, first, last) =>
  scale.kind === "linear" && values.length > MOST_VALUES
    ? ticksOf(first, last, 8).map((tick) => [tick, short(tick)])
    : values.map((value) => [scale.place.get(value), nameOf(x, value)]);

const drawChart = (place, chosen, tell) => {
  const { x, series, figure, lines } = chosen;
  const points = lines.flatMap((line) => line.points);
  place.replaceChildren();
  if (!points.length) { place.append(element("p", { class: "muted" }, "No combination has this figure.")); return []; }
  const values = x === null ? [0] : occurring(x);
  const scale = x === null ? { kind: "evenly", place: new Map([[0, 0]]) } : scaleOf(x, values);
  const places = [...scale.place.values()], first = Math.min(...places), last = Math.max(...places);
  const inset = scale.kind === "evenly" ? 24 : 8;
  const atX = (value) => LEFT + inset + (last > first ? (scale.place.get(value) - first) / (last - first) : 0.5) * (WIDTH - LEFT - RIGHT - 2 * inset);
  const [low, high] = rangeOf(points);
  const atY = (number) => HEIGHT - BOTTOM - ((number - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const svg = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
  const digits = digitsFor(low, high);
  for (const tick of ticksOf(low, high)) {
    svg.append(drawn("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: atY(tick), y2: atY(tick) }));
    svg.append(drawn("text", { x: LEFT - 8, y: atY(tick) + 4, "text-anchor": "end" }, short(tick, digits)));
  }
  svg.append(drawn("line", { class: "base", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }));
  let free = -Infinity;
  for (const [at, text] of x === null ? [] : marksOf(x, values, scale, first, last)) {
    const px = LEFT + inset + (last > first ? (at - first) / (last - first) : 0.5) * (WIDTH - LEFT - RIGHT - 2 * inset), half = text.length * 3.4 + 6;
    if (px - half < free) continue;
    free = px + half;
    svg.append(drawn("text", { x: px, y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, text));
  }
  if (x !== null) {
    const how = scale.kind === "log" ? " (logarithmic)" : "";
    svg.append(drawn("text", { class: "axis-name", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, data.parameters[x].name + how));
  }
  const marks = [];
  const groups = lines.map((line) => seriesOf(line, atX, atY, asideOf(line, lines, atX), marks));
  svg.classList.toggle("many", lines.length > MOST_BANDS);
  svg.append(...groups);
  const here = drawn("circle", { class: "here", r: 8, visibility: "hidden" });
  svg.append(here);
  place.append(svg);
  const choose = (mark) => {
    here.setAttribute("cx", mark.cx);
    here.setAttribute("cy", mark.cy);
    here.setAttribute("visibility", "visible");
    if (lines.length > MOST_BANDS) light(mark.number);
    tell(mark.at);
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), ratio = WIDTH / box.width;
    const px = (event.clientX - box.left) * ratio, py = (event.clientY - box.top) * ratio;
    choose(marks.reduce((best, one) => (Math.hypot(one.cx - px, one.cy - py) < Math.hypot(best.cx - px, best.cy - py) ? one : best)));
  });
  /* Brings a line to the front with its band, and lets the others stand back; with none, all are as they were. */
  let kept = null;
  const light = (number, keep = false) => {
    if (keep) kept = kept === number ? null : number;
    const chosen_ = number ?? kept;
    svg.classList.toggle("has-lit", chosen_ !== null);
    for (const group of groups) group.classList.toggle("lit", Number(group.dataset.number) === chosen_);
    const front = groups.find((group) => group.classList.contains("lit"));
    if (front) svg.insertBefore(front, here);
    return kept;
  };
  place.light = light;
  svg.addEventListener("pointerleave", () => light(null));
  let now = -1;
  place.onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    now = (now + by + marks.length) % marks.length;
    choose(marks[now]);
  };
  const what = `${figure}${x === null ? "" : ` by ${data.parameters[x].name}`}${series === null ? "" : `, a line for each ${data.parameters[series].name}`}`;
  place.setAttribute("aria-label", `${what}. Left and right choose a point.`);
  return marks;
};

/* One line: its band, whiskers or edges, the means, and its marks, which are noted. */
const seriesOf = (line, atX, atY, aside, marks) => {
  const colour = `var(--s${line.number})`;
  const group = drawn("g", { class: "series", "data-number": line.number });
  const isDense = line.points.length > MANY_POINTS;
  const upper = line.points.map((one) => `${atX(one.x)},${atY(one.mean + one.margin)}`);
  const lower = line.points.map((one) => `${atX(one.x)},${atY(one.mean - one.margin)}`);
  if (line.points.some((one) => one.margin > 0)) {
    group.append(paint(drawn("polygon", { class: "band", points: [...upper, ...[...lower].reverse()].join(" ") }), "fill", colour));
    const thin = isDense ? [upper, lower].map((points) => drawn("polyline", { class: "edge", points: points.join(" ") })) : line.points.map((one) => whiskerOf(one, atX(one.x) + aside, atY));
    if (aside !== null) group.append(...thin.map((shape) => paint(shape, "stroke", colour)));
  }
  group.append(paint(drawn("polyline", { class: "line", points: line.points.map((one) => `${atX(one.x)},${atY(one.mean)}`).join(" "), "stroke-dasharray": DASHES[line.number] }), "stroke", colour));
  for (const one of line.points) {
    const bad = data.failing_runs[one.at] > 0;
    const size = bad ? 4.5 : 3.5;
    const dot = drawn("circle", { class: bad ? "dot bad" : "dot", cx: atX(one.x), cy: atY(one.mean), r: isDense ? size / 2 : size });
    if (bad || !isDense) group.append(paint(dot, bad ? "stroke" : "fill", colour));
    marks.push({ ...one, cx: atX(one.x), cy: atY(one.mean), line: line.name, number: line.number, bad });
  }
  return group;
};

/* How far aside the whiskers of a line stand, so that they do not cover those of others; null where lines are few and have bands. */
const asideOf = (line, lines, atX) => {
  if (lines.length <= MOST_BANDS) return null;
  const places = [...new Set(lines.flatMap((one) => one.points.map((point) => atX(point.x))))].sort((a, b) => a - b);
  const apart = Math.min(...places.slice(1).map((place, i) => place - places[i]), 80);
  return (line.number - (lines.length - 1) / 2) * Math.min(4, (apart * 0.6) / lines.length);
};

const whiskerOf = (one, x, atY) => {
  const [top, bottom] = [atY(one.mean + one.margin), atY(one.mean - one.margin)];
  return drawn("path", { class: "edge", d: `M${x - 1.5},${top}h3M${x},${top}V${bottom}M${x - 1.5},${bottom}h3` });
};

const paint = (shape, property, colour) => {
  shape.style[property] = colour;
  return shape;
};

/* The lines by name; a button for each where there are many, which shows its band. */
const drawLegend = (place, lines, series) => {
  const light = (number, keep) => byId("chart").light?.(number, keep);
  place.replaceChildren(...(series === null ? [] : lines).map((line) => {
    const sign = drawn("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" },
      paint(drawn("line", { x1: 0, x2: 26, y1: 6, y2: 6, "stroke-width": 2, "stroke-dasharray": DASHES[line.number] }), "stroke", `var(--s${line.number})`));
    const name = `${data.parameters[series].name} ${line.name}`;
    if (lines.length <= MOST_BANDS) return element("span", {}, sign, name);
    const press = () => {
      const kept = light(line.number, true);
      for (const one of place.children) one.setAttribute("aria-pressed", String(one === button && kept === line.number));
    };
    const button = element("button", {
      type: "button", "aria-pressed": "false", title: "Show its confidence band", onclick: press,
      onpointerenter: () => light(line.number), onpointerleave: () => light(null), onfocus: () => light(line.number), onblur: () => light(null),
    }, sign, name);
    return button;
  }));
};
