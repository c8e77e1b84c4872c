/* Lanes of a run while it goes on: a row for each thread, a column for each moment, coloured by how the moment was spent. */
import { $, colour } from "./elements.js";

const ROW = 18;
const AXIS = 22;
const NAMES = 150;
export const WAYS = ["running", "working", "calling", "sleeping", "waiting"];
const state = { moments: new Map(), lanes: [], lives: [], open: [], ways: [], moment: 0.001, elapsed: 0, heard: 0, ended: true };

export const clear = () => {
  Object.assign(state, { moments: new Map(), lanes: [], lives: [], open: [], elapsed: 0, ended: true });
};

export const grow = (message) => {
  if (message.again) state.moments.clear();
  for (const [lane, at, ...spent] of message.moments) state.moments.set(lane * 1e6 + at, spent);
  const was = state.ended;
  Object.assign(state, { lanes: message.lanes, lives: message.lives, open: message.open, ways: message.ways, moment: message.moment_s, elapsed: message.elapsed_s, heard: performance.now(), ended: Boolean(message.ended) });
  if (state.ended) draw();
  else if (was) requestAnimationFrame(frame);
};

/* Nothing more comes: the clock of the lanes stands. */
export const halt = () => {
  state.ended = true;
  draw();
};

const frame = () => {
  draw();
  if (!state.ended) requestAnimationFrame(frame);
};

/* Seconds of the run by now: between two messages the clock goes on, but not by more than messages are apart. */
const now = () => state.elapsed + (state.ended ? 0 : Math.min(0.3, (performance.now() - state.heard) / 1000));

const sized = (canvas) => {
  const [width, height, ratio] = [canvas.clientWidth, state.lanes.length * ROW + AXIS, devicePixelRatio || 1];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width];
};

export const draw = () => {
  const canvas = $("lanes");
  if (canvas.hidden || !state.lanes.length) return;
  const [context, width] = sized(canvas);
  const left = Math.min(NAMES, width * 0.3);
  const end = Math.max(now(), 1e-3);
  const x = (seconds) => left + ((width - left - 2) * seconds) / end;
  const names = Object.fromEntries([...WAYS, "ink", "muted"].map((name) => [name, colour(name)]));
  drawLives(context, x, names);
  drawMoments(context, x, names);
  for (const [lane, way, since] of state.open) box(context, x(since), x(now()), lane, names[way], 1, 0);
  drawNames(context, left, width, end, x, names);
  canvas.setAttribute("aria-label", `${state.lanes.length} threads, ${end.toFixed(2)} s: ${state.open.map(([lane, way]) => `${state.lanes[lane]} ${way}`).join(", ")}`);
};

const box = (context, from, to, lane, fill, share, above) => {
  const height = (ROW - 4) * share;
  const [begin, end] = [Math.floor(from), Math.ceil(to)]; // whole pixels, so that neighbours leave no gap
  context.fillStyle = fill;
  context.fillRect(begin, lane * ROW + 2 + (ROW - 4) * above, Math.max(end - begin, 1), height);
};

const drawLives = (context, x, names) => {
  for (const [lane, begin, until] of state.lives) box(context, x(begin), x(until ?? now()), lane, names.running, 1, 0);
};

const drawMoments = (context, x, names) => {
  for (const [key, spent] of state.moments) {
    const lane = Math.floor(key / 1e6);
    const begin = (key % 1e6) * state.moment;
    let above = 0;
    spent.forEach((seconds, way) => {
      const share = Math.min(1 - above, seconds / state.moment);
      if (share > 0.01) box(context, x(begin), x(begin + state.moment), lane, names[state.ways[way]], share, above);
      above += share;
    });
  }
};

const drawNames = (context, left, width, end, x, names) => {
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = names.ink;
  state.lanes.forEach((name, lane) => context.fillText(name, 2, lane * ROW + ROW / 2, left - 8));
  const [y, step] = [state.lanes.length * ROW + AXIS / 2, 10 ** Math.floor(Math.log10(end))];
  const wide = 64 / Math.max(1, width - left); // of a label, as a part of the axis
  const by = [step / 5, step / 2, step, 2 * step, 5 * step, 10 * step].find((one) => one / end >= wide) || end;
  context.fillStyle = names.muted;
  for (let at = 0; at <= end; at += by) if (x(at) < width - 40) context.fillText(`${Number(at.toPrecision(6))} s`, x(at), y);
};
