/* The only code that paints: bars with their colours and patterns, the axis, arrows, marks. */

const AXIS = 30;
const KINDS = ["alive", "working", "sleeping", "waiting", "calling", "queued", "holding", "inside"];
const NAMED = { alive: "running" };
const paints = { patterns: {}, colours: {}, words: {} };

const colour = (name) => (paints.colours[name] ||= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());

/* Each kind has a pattern of its own, so that nobody needs to tell colours apart. */
const STROKES = {
  working: (c) => { c.fillRect(2, 2, 1.5, 1.5); c.fillRect(6, 6, 1.5, 1.5); },
  sleeping: (c) => { c.fillRect(0, 3.5, 8, 1); },
  waiting: (c) => { c.beginPath(); for (const x of [-8, 0, 8]) { c.moveTo(x - 1, 9); c.lineTo(x + 9, -1); } c.lineWidth = 1.7; c.stroke(); },
  calling: (c) => { c.fillRect(3.5, 0, 1, 8); c.fillRect(0, 3.5, 8, 1); },
  holding: (c) => { c.fillRect(1, 0, 1.5, 8); c.fillRect(5, 0, 1.5, 8); },
  inside: (c) => { c.beginPath(); for (const x of [-8, 0, 8]) { c.moveTo(x - 1, -1); c.lineTo(x + 9, 9); } c.lineWidth = 1.4; c.stroke(); },
  queued: (c) => { c.fillRect(0, 0, 3, 1); c.fillRect(4, 4, 3, 1); },
};

const patternOf = (context, kind) => {
  const ratio = window.devicePixelRatio || 1;
  const name = NAMED[kind] || kind;
  const key = `${kind} ${ratio}`;
  if (paints.patterns[key]) return paints.patterns[key];
  if (!STROKES[kind]) return (paints.patterns[key] = colour(name));
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(8 * ratio);
  const c = tile.getContext("2d");
  c.scale(tile.width / 8, tile.height / 8);
  c.fillStyle = colour(name);
  c.fillRect(0, 0, 8, 8);
  c.fillStyle = c.strokeStyle = colour(`${name}-ink`);
  STROKES[kind](c);
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(8 / tile.width));
  return (paints.patterns[key] = pattern);
};

const repaint = () => {
  paints.patterns = {};
  paints.colours = {};
  paints.words = {};
};

const kindOf = (bar) => whatNames[bars.what[bar]];
const isOfLine = () => selection.line > 0 && selection.bar < 0 && selection.row < 0;
const isDimmed = (bar) => isOfLine() && bars.line[bar] !== selection.line && kindOf(bar) !== "alive";
const isMarked = (bar) => bar === selection.bar || (isOfLine() && bars.line[bar] === selection.line);

/* How wide a text is; the same ones are asked for in every frame. */
const widths = new Map();
const widthOf = (c, text) => {
  let wide = widths.get(text);
  if (wide === undefined) {
    if (widths.size > 20_000) widths.clear();
    widths.set(text, (wide = c.measureText(text).width));
  }
  return wide;
};

/* A text inside a bar, if it fits. */
const paintLabel = (c, text, x, width, middle, ground) => {
  const room = width - 8;
  if (room < 24 || !text) return;
  let shown = text;
  let wide = widthOf(c, shown);
  if (wide > room) {
    shown = cut(text, Math.max(2, Math.floor((text.length * room) / wide)));
    wide = widthOf(c, shown);
    if (wide > room || shown.length < 4) return;
  }
  c.fillStyle = ground;
  c.fillRect(x + 3, middle - 7, wide + 5, 14);
  c.fillStyle = colour("ink");
  c.fillText(shown, x + 5, middle + 0.5);
};

const labelOf = (bar, kind) => {
  const object = nameOf(data.objects, bars.object[bar]);
  if (kind === "owner") return nameOf(data.threads, bars.thread[bar]);
  if (kind === "waiting") return nameOf(bars.ops, bars.op[bar]) === "thread.join" ? `join ${object}` : object;
  if (kind === "alive") return isWorker(laneNumber(bars.thread[bar])) ? nameOf(data.threads, bars.thread[bar]) : "";
  return kind === "strip" ? "" : object;
};

/* The steps of a queue's size; where many share a column of pixels, the least and the most of it, and the mean over time. */
const paintDepth = (c, lane, view, top) => {
  const { series } = lane;
  const xs = view.axis === "time" ? series.t : series.at;
  const bottom = top + lane.height - 6;
  const high = lane.height - 16;
  const most = Math.max(lane.most, lane.capacity || 0);
  const yOf = (size) => bottom - (size / most) * high;
  if (lane.capacity) {
    c.strokeStyle = colour("strong");
    c.setLineDash([3, 3]);
    c.beginPath();
    c.moveTo(view.left, Math.round(yOf(lane.capacity)) + 0.5);
    c.lineTo(view.right, Math.round(yOf(lane.capacity)) + 0.5);
    c.stroke();
    c.setLineDash([]);
  }
  const start = Math.max(0, firstIndex(xs.length, (i) => xs[i] >= view.from) - 1);
  const steps = new Path2D();
  const spread = new Path2D();
  let size = start > 0 || xs[0] < view.from ? series.size[start] : 0;
  let dense = 0;
  steps.moveTo(view.left, yOf(size));
  let i = xs[start] < view.from ? start + 1 : start;
  while (i < xs.length && xs[i] <= view.to) {
    const edge = Math.floor(view.x(xs[i])) + 1;
    const next = i + firstIndex(Math.min(xs.length - i, 4), (k) => view.x(xs[i + k]) >= edge);
    if (next - i < 4) {
      for (; i < next; i++) {
        steps.lineTo(view.x(xs[i]), yOf(size));
        size = series.size[i];
        steps.lineTo(view.x(xs[i]), yOf(size));
      }
      continue;
    }
    dense += 1;
    let [least, largest, area, x] = [size, size, 0, edge - 1];
    for (; i < xs.length && view.x(xs[i]) < edge; i++) {
      area += size * (view.x(xs[i]) - x);
      x = view.x(xs[i]);
      size = series.size[i];
      least = Math.min(least, size);
      largest = Math.max(largest, size);
    }
    spread.rect(edge - 1, yOf(largest), 1, Math.max(1, yOf(least) - yOf(largest)));
    steps.lineTo(edge - 0.5, yOf(area + size * (edge - x)));
  }
  steps.lineTo(view.right, yOf(size));
  c.fillStyle = c.strokeStyle = colour("depth");
  if (dense) {
    c.globalAlpha = 0.22;
    c.fill(spread);
    c.globalAlpha = 1;
  }
  c.lineWidth = 1.25;
  c.stroke(steps);
  if (!dense) {
    steps.lineTo(view.right, bottom);
    steps.lineTo(view.left, bottom);
    c.globalAlpha = 0.12;
    c.fill(steps);
    c.globalAlpha = 1;
  }
  c.fillStyle = colour("muted");
  c.textAlign = "right";
  c.fillText(lane.capacity ? `${lane.capacity}` : `${most}`, view.left - 8, yOf(most) + 3);
  c.fillText("0", view.left - 8, bottom);
  c.textAlign = "left";
};

/* Small ticks for the lines of the log, once there is room for them. */
const paintTicks = (c, view, topOf) => {
  const xs = view.axis === "time" ? rows.t : rows.at;
  const first = firstIndex(rows.count, (i) => rows.at[i] >= view.places[0]);
  const last = firstIndex(rows.count, (i) => rows.at[i] > view.places[1]);
  if (last - first > 1500) return;
  for (let row = first; row < last; row++) {
    const lane = laneOfThread.get(rows.thread[row]);
    const top = lane && topOf(lane);
    if (top === null || top === undefined) continue;
    const x = view.x(xs[row]);
    if (x < view.left || x > view.right) continue;
    const chosen = row === selection.row || (selection.row < 0 && selection.line > 0 && rows.line[row] === selection.line);
    c.fillStyle = colour(chosen ? "mark-rule" : isLoud(row) ? "bad" : eventOf(row) === "message" ? "accent" : "muted");
    c.globalAlpha = chosen || eventOf(row) === "message" || isLoud(row) ? 1 : 0.45;
    c.fillRect(Math.round(x) - (chosen ? 1 : 0), top + SIZES.gap - 4, chosen ? 3 : 1, chosen ? 6 : 4);
  }
  c.globalAlpha = 1;
};

/* Steps of an axis that people count in, at least so many pixels apart. */
const stepOf = (span, pixels, apart) => {
  const least = (span * apart) / Math.max(1, pixels);
  const power = 10 ** Math.floor(Math.log10(least));
  return Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least));
};

const tickText = (axis, at, step, to) => {
  if (axis === "event") return `#${count(numberAt(at))}`;
  const [size, unit] = unitFor(Math.max(to, step));
  const digits = Math.max(0, Math.ceil(Math.log10(size) - Math.log10(step) - 1e-9));
  return `${(at / size).toFixed(digits)} ${unit}`;
};

const paintAxis = (c, view) => {
  c.fillStyle = colour("panel");
  c.fillRect(0, 0, view.right, AXIS);
  c.fillStyle = colour("rule");
  c.fillRect(0, AXIS - 1, view.right, 1);
  c.textAlign = "center";
  const step = stepOf(view.to - view.from, view.right - view.left, 96);
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    if (view.axis === "event" && at >= data.count) break;
    const x = view.x(at);
    c.fillStyle = colour("strong");
    c.fillRect(Math.round(x), AXIS - 7, 1, 6);
    const text = tickText(view.axis, at, step, view.to);
    const half = c.measureText(text).width / 2;
    if (x - half < view.left - 4 || x + half > view.right) continue;
    c.fillStyle = colour("muted");
    c.fillText(text, x, 12);
  }
  c.textAlign = "left";
  c.fillStyle = colour("muted");
  c.fillText(view.axis === "event" ? "line of the log" : data.clock || "time", 10, 12);
};

const paintGrid = (c, view, height) => {
  const step = stepOf(view.to - view.from, view.right - view.left, 96);
  c.fillStyle = colour("rule");
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
    c.globalAlpha = 0.6;
    c.fillRect(Math.round(view.x(at)), AXIS, 1, height);
  }
  c.globalAlpha = 1;
};

/* A finding: a line through all lanes, and its kind at the axis. */
const paintFinding = (c, finding, view, height, topOf) => {
  const x = view.x(view.axis === "time" ? finding.t : finding.at);
  if (x < view.left - 1 || x > view.right + 1) return null;
  const at = Math.min(Math.round(x), view.right - 2);
  c.fillStyle = colour("bad");
  c.globalAlpha = 0.85;
  for (let y = AXIS; y < height; y += 6) c.fillRect(at, y, 1.5, 3);
  c.globalAlpha = 1;
  const wide = c.measureText(finding.kind).width + 12;
  const left = Math.max(view.left, Math.min(at - wide / 2, view.right - wide));
  c.fillRect(left, AXIS - 10, wide, 16);
  c.fillStyle = colour("ground");
  c.fillText(finding.kind, left + 6, AXIS - 1.5);
  c.strokeStyle = colour("bad");
  c.lineWidth = 2;
  const seen = new Set([finding.thread, ...finding.threads.map((one) => one.thread)]);
  for (const thread of seen) {
    const lane = laneOfThread.get(thread);
    const top = lane && topOf(lane);
    if (top === null || top === undefined) continue;
    const middle = top + SIZES.gap + SIZES.bar / 2;
    c.beginPath();
    c.moveTo(at - 8, middle - 3.5);
    c.lineTo(at - 1, middle + 3.5);
    c.moveTo(at - 1, middle - 3.5);
    c.lineTo(at - 8, middle + 3.5);
    c.stroke();
  }
  return { left, wide };
};
