/* Sweeping one value: a curve that grows, and a slider that says what each value comes to. */
import { ask, hear, stop } from "./connection.js";
import { $, el, firstError, number, show, svg } from "./elements.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 260, 64, 16, 12, 40];
const state = { paths: [], rows: [], cells: 0, path: "" };

const NOTHING = "there is no number in this file to vary; give one to `let`, a count or a size";

/* What of the text can be swept. */
export const known = (paths) => {
  const before = $("sweep-path").value;
  state.paths = paths;
  $("sweep-path").replaceChildren(...paths.map((one) => el("option", { value: one.path }, `${one.path} (${one.value})`)));
  $("sweep-start").disabled = !paths.length;
  if (!paths.length) say(NOTHING);
  else if ($("sweep-said").textContent === NOTHING) say("");
  if (paths.some((one) => one.path === before)) $("sweep-path").value = before;
  else suggest();
};

const suggest = () => { $("sweep-over").value = state.paths.find((one) => one.path === $("sweep-path").value)?.over ?? ""; };

const say = (text) => { $("sweep-said").textContent = text; };

const start = () => {
  Object.assign(state, { rows: [], cells: 0, path: $("sweep-path").value });
  $("swept").hidden = true;
  $("sweep-links").replaceChildren();
  $("sweep-stop").hidden = false;
  say("sweeping");
  ask("sweep", { path: state.path, over: $("sweep-over").value, how: $("sweep-how").value });
};

const came = (message) => {
  state.rows.push(message.row);
  $("swept").hidden = false;
  figures();
  $("sweep-at").max = state.rows.length - 1;
  if (state.rows.length === 1) $("sweep-at").value = 0;
  say(`${number(state.rows.length)} of ${number(state.cells)} values`);
  draw();
};

const figures = () => {
  const names = [...new Set(state.rows.flatMap((row) => Object.keys(row.figures)))];
  if (names.length === $("sweep-figure").options.length && names.every((name, at) => $("sweep-figure").options[at].value === name)) return;
  const before = $("sweep-figure").value;
  $("sweep-figure").replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  const usual = names.find((name) => name.endsWith(".gets_per_s")) || (names.includes("states") ? "states" : names[0]);
  $("sweep-figure").value = names.includes(before) ? before : usual ?? "";
};

/* --- the curve */

const draw = () => {
  const figure = $("sweep-figure").value;
  const values = state.rows.map((row) => row.figures[figure]);
  const there = values.filter((value) => value !== undefined);
  const [least, most] = [Math.min(0, ...there), Math.max(...there, 0) || 1];
  const x = (at) => LEFT + ((WIDTH - LEFT - RIGHT) * (state.rows.length < 2 ? 0.5 : at / (Math.max(state.cells, state.rows.length) - 1)));
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (value - least)) / (most - least || 1);
  const chosen = Number($("sweep-at").value);
  const line = svg("polyline", { class: "line", points: values.map((value, at) => (value === undefined ? "" : `${x(at)},${y(value)}`)).join(" ") });
  const points = values.map((value, at) => point(state.rows[at], x(at), y(value ?? least), at === chosen, () => choose(at)));
  const axis = [svg("text", { x: LEFT - 6, y: y(most) + 4, "text-anchor": "end" }, short(most)), svg("text", { x: LEFT - 6, y: y(least) + 4, "text-anchor": "end" }, short(least)), svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(least), y2: y(least) })];
  const every = Math.ceil(state.rows.length / 10);
  const labels = state.rows.flatMap((row, at) => (at % every ? [] : [svg("text", { x: x(at), y: HEIGHT - 18, "text-anchor": "middle" }, String(row.value))]));
  $("curve").replaceChildren(...axis, ...labels, svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 2, "text-anchor": "end" }, state.path), line, ...points);
  $("curve").setAttribute("aria-label", `${figure} by ${state.path}: ${state.rows.map((row, at) => `${row.value}: ${values[at] === undefined ? row.verdict : short(values[at])}`).slice(0, 40).join(", ")}`);
  told();
};

/* What is as expected is a disc; what is not is a cross, so that it need not be told by its colour. */
const point = (row, x, y, chosen, onclick) => {
  const shape = row.ok ? svg("circle", { cx: x, cy: y, r: 5 }) : svg("path", { d: `M${x - 5},${y - 5}L${x + 5},${y + 5}M${x - 5},${y + 5}L${x + 5},${y - 5}` });
  const ring = chosen ? [svg("circle", { class: "ring", cx: x, cy: y, r: 10 })] : [];
  return svg("g", { class: row.ok ? "good" : "bad", onclick }, ...ring, shape, svg("title", {}, `${row.value}: ${row.verdict}`));
};

const short = (value) => (Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4))));

const choose = (at) => { $("sweep-at").value = at; draw(); };

const told = () => {
  const row = state.rows[Number($("sweep-at").value)];
  if (!row) return;
  const figure = $("sweep-figure").value;
  const value = row.figures[figure];
  $("sweep-at").setAttribute("aria-valuetext", `${state.path} ${row.value}: ${row.verdict}`);
  $("sweep-value").replaceChildren(el("p", {}, el("span", { class: `chip ${row.ok ? "good" : "bad"}` }, row.verdict), ` ${state.path} = ${row.value}${value === undefined ? "" : `: ${figure} ${short(value)}`}`), ...(row.finding ? [el("p", { class: "finding" }, row.finding)] : []));
};

/* simulate: runs the text with other values. */
export const begin = ({ simulate }) => {
  const over = () => { $("sweep-stop").hidden = true; };
  hear("sweep", {
    read: (message) => { if (firstError(message)) { say(firstError(message)); over(); } },
    begun: (message) => { state.cells = message.cells; say(message.notes.join("; ")); },
    row: came,
    page: (message) => { show(null, $("sweep-links"), message.key, "sweep"); say(`${number(state.rows.length)} values`); over(); },
    refused: (message) => { say(message.message); over(); },
  });
  $("sweep-path").addEventListener("change", suggest);
  $("sweep-start").addEventListener("click", start);
  $("sweep-over").addEventListener("keydown", (event) => { if (event.key === "Enter") start(); });
  $("sweep-stop").addEventListener("click", () => { stop("sweep"); say("stopped"); over(); });
  $("sweep-figure").addEventListener("change", draw);
  $("sweep-at").addEventListener("input", draw);
  $("sweep-run").addEventListener("click", () => simulate(state.rows[Number($("sweep-at").value)].parameters));
};
