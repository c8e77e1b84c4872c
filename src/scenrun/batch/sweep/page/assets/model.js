/* What the page knows: which combinations there are, and the figure of each; nothing here touches the document. */

const data = JSON.parse(document.getElementById("data").textContent);
const SHARE = "share not as expected";

/* The parameters of which there is more than one value, in the order of the sweep. */
const varied = data.parameters.map((_, at) => at).filter((at) => new Set(data.parameters[at].at).size > 1);

const figureNames = [...Object.keys(data.figures), SHARE];

const pointOf = (figure, at) => {
  if (figure === SHARE) {
    const share = data.failing_runs[at] / data.runs[at];
    return { at, mean: share, margin: 0, low: share, high: share, count: data.runs[at] };
  }
  const columns = data.figures[figure];
  if (columns.mean[at] === null) return null;
  return { at, mean: columns.mean[at], margin: columns.margin[at], low: columns.low[at], high: columns.high[at], count: columns.count[at] };
};

/* The combinations in which these parameters have these values: a mapping of parameter to number of the value. */
const matching = (fixed) => {
  const wanted = Object.entries(fixed).map(([parameter, value]) => [data.parameters[parameter].at, value]);
  const out = [];
  for (let at = 0; at < data.runs.length; at++) if (wanted.every(([column, value]) => column[at] === value)) out.push(at);
  return out;
};

const nameOf = (parameter, value) => (value < 0 ? "as the file has it" : data.parameters[parameter].values[value]);

/* The values of a parameter that occur, by their numbers. */
const occurring = (parameter) => [...new Set(data.parameters[parameter].at)].sort((one, other) => one - other);

/* How an axis places the values of a parameter: evenly, in proportion, or by their logarithm where they are multiplied. */
const scaleOf = (parameter, values) => {
  const numbers = values.map((value) => (value < 0 ? null : data.parameters[parameter].numbers[value]));
  if (numbers.length < 2 || numbers.some((number) => number === null)) return { kind: "evenly", place: new Map(values.map((value, i) => [value, i])) };
  const low = Math.min(...numbers), high = Math.max(...numbers);
  const steps = [...numbers].sort((a, b) => a - b);
  const ratios = steps.slice(1).map((number, i) => number / steps[i]);
  const isMultiplied = low > 0 && steps.length > 2 && high / low >= 16 && ratios.every((ratio) => ratio >= 1.5);
  const by = isMultiplied ? Math.log2 : (number) => number;
  return { kind: isMultiplied ? "log" : "linear", place: new Map(values.map((value, i) => [value, by(numbers[i])])) };
};

/* All of them, or so many from the first to the last. */
const spread = (all, most) => (all.length <= most ? all : Array.from({ length: most }, (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]));

const UNITS = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];
const short = (number, digits = 3) => {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  if (size === 0) return "0";
  if (size >= 0.01 && size < 999.5) return String(Number(number.toPrecision(digits)));
  const [unit, sign] = UNITS.find(([unit]) => size >= unit * 0.9995) || UNITS[UNITS.length - 1];
  return `${Number((number / unit).toPrecision(digits))}${sign}`;
};
/* As many digits as tell numbers apart that are nearly the same. */
const digitsFor = (low, high) => (high - low < 0.02 * Math.max(Math.abs(low), Math.abs(high)) ? 5 : 3);
const seconds = (time) => (time >= 0.9995 ? `${short(time)} s` : time >= 0.0009995 ? `${short(time * 1e3)} ms` : `${short(time * 1e6)} µs`);
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
