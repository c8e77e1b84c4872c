/* Texts and elements: numbers and times as people read them, and nodes that hold text and never markup. */

const $ = (id) => document.getElementById(id);

const add = (node, children) => {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== "") node.append(child);
  }
  return node;
};

/* An element; `on...` are listeners, the others attributes. Texts become text nodes. */
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  return add(node, children);
};

/* A text from the log, kept from changing the direction of what stands around it. */
const bdi = (text, name = "") => el("bdi", name ? { class: name } : {}, text);

const numbers = new Intl.NumberFormat("en-US");
const count = (number) => numbers.format(number);
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

const UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
const unitFor = (ns) => UNITS.find(([size]) => Math.abs(ns) >= size) || UNITS[3];

/* How long: four digits in the unit that suits. */
const lasting = (ns) => {
  if (!ns) return "0 s";
  const [size, unit] = unitFor(ns);
  return `${Number((ns / size).toPrecision(4))} ${unit}`;
};

/* A moment of the run, exact to the nanosecond. */
const moment = (ns) => {
  if (!ns) return "0 s";
  const [size, unit] = unitFor(ns);
  return `${Number((ns / size).toFixed(Math.round(Math.log10(size))))} ${unit}`;
};

/* A moment in a column of moments: all in one unit, with as many digits. */
const column = (() => {
  const [size, unit] = unitFor(data.end);
  const exact = rows.t.every((t) => t % 1000 === 0);
  const digits = { s: 6, ms: 3, "µs": exact ? 0 : 3, ns: 0 }[unit];
  return { unit, text: (ns) => (ns / size).toFixed(digits) };
})();

const seconds = (value) => (typeof value === "number" ? lasting(Math.round(value * 1e9)) : String(value));
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const WORDS = {
  alive: "running", sleeping: "sleeping", working: "working", calling: "calling Python", waiting: "waiting",
  holding: "holding", queued: "queued in a pool", inside: "inside a section",
};

const ENDINGS = { timed_out: "timed out", fault: "ended by an exception", cut_off: "the run ended first" };

/* What a bar is, in words. */
const barTitle = (bar) => {
  const what = whatNames[bars.what[bar]];
  const object = nameOf(data.objects, bars.object[bar]);
  if (bars.count[bar] > 1) return `${plural(bars.count[bar], "merged bar")}: ${WORDS[what] || what} ${object}`;
  if (what === "waiting") {
    const op = nameOf(bars.ops, bars.op[bar]);
    return op === "thread.join" ? `waiting for ${object} to end` : `waiting in ${op} of ${object}`;
  }
  return what === "alive" ? "alive" : `${WORDS[what] || what} ${object}`.trim();
};

/* What is known of a bar, as pairs of a name and a text. */
const barFacts = (bar) => {
  const begin = bars.t[bar];
  const facts = [["time", `${moment(begin)} to ${moment(begin + bars.lasted[bar])}, ${lasting(bars.lasted[bar])}`]];
  if (bars.count[bar] > 1) facts.push(["share", `${lasting(bars.busy[bar])} of it`]);
  const ending = nameOf(bars.endings, bars.ended[bar]);
  if (ENDINGS[ending]) facts.push(["end", ENDINGS[ending]]);
  const by = nameOf(data.threads, bars.by[bar]);
  const what = whatNames[bars.what[bar]];
  const verb = what === "alive" ? "started by" : what === "queued" ? "submitted by" : "let go on by";
  if (by) facts.push([verb, `${by}, at ${moment(bars.by_t[bar])}`]);
  if (bars.line[bar]) facts.push(["scenario", `line ${bars.line[bar]}`]);
  const first = numberAt(bars.at[bar]);
  facts.push(["log", `#${count(first)} to #${count(numberAt(bars.at[bar] + bars.places[bar]))}`]);
  return facts;
};

/* What is known of a line of the log, as pairs of a name and a text. */
const rowFacts = (row, most = 2100) => {
  const facts = [["time", moment(rows.t[row])]];
  if (objectOf(row)) facts.push(["object", objectOf(row)]);
  const text = detailOf(row);
  if (text) facts.push(["says", cut(text, most)]);
  const step = nameOf(data.lines.steps, rows.step[row]);
  if (step) facts.push(["step", step]);
  if (rows.line[row]) facts.push(["scenario", `line ${rows.line[row]}`]);
  facts.push(["log", `#${count(numberAt(rows.at[row]))}`]);
  return facts;
};

const factList = (facts) => el("dl", {}, facts.map(([name, text]) => [el("dt", {}, name), el("dd", {}, bdi(text))]));
const barCard = (bar) => [
  el("div", {}, el("strong", {}, bdi(nameOf(data.threads, bars.thread[bar]))), " ", bdi(barTitle(bar))), factList(barFacts(bar)),
];
const rowCard = (row, most) => [
  el("div", {}, el("strong", {}, bdi(threadOf(row) || "run")), " ", bdi(eventOf(row))), factList(rowFacts(row, most)),
];
