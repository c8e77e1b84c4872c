/* Tracks: bars of one kind in one lane, in the order of an axis, so that those in view are found at once. */

/* When and where the first thread began, which is main: what a process does before is not drawn. */
const [firstMoment, firstPlace] = (() => {
  const row = rows.thread.findIndex((thread) => thread >= 0);
  let moment_ = row < 0 ? Infinity : rows.t[row];
  let place = row < 0 ? Infinity : rows.at[row];
  for (let bar = 0; bar < bars.size; bar++) {
    moment_ = Math.min(moment_, bars.t[bar]);
    place = Math.min(place, bars.at[bar]);
  }
  return [Number.isFinite(moment_) ? moment_ : 0, Number.isFinite(place) ? place : 0];
})();

/* When the last thread did something: what a process does afterwards is not drawn. */
const lastMoment = (() => {
  let last = firstMoment + 1;
  for (let row = 0; row < rows.count; row++) if (rows.thread[row] >= 0 && rows.t[row] > last) last = rows.t[row];
  for (let bar = 0; bar < bars.size; bar++) last = Math.max(last, bars.t[bar] + bars.lasted[bar]);
  return data.findings.reduce((a, finding) => Math.max(a, finding.t), last);
})();

const AXES = {
  time: { start: firstMoment, end: lastMoment, least: 20, begin: (b) => bars.t[b], length: (b) => bars.lasted[b] },
  event: { start: firstPlace, end: Math.max(data.count, firstPlace) + 1, least: 4, begin: (b) => bars.at[b], length: (b) => bars.places[b] },
};

/* A track of bars, or of what else lies on the axes; its order along an axis is made when it is first asked for. */
const makeTrack = (what, level, members, axes = AXES) => ({ what, level, members, axes, orders: {} });

const orderOf = (track, axisName) => {
  const known = track.orders[axisName];
  if (known) return known;
  const axis = track.axes[axisName];
  const members = Int32Array.from(track.members).sort((a, b) => axis.begin(a) - axis.begin(b));
  const begins = Float64Array.from(members, axis.begin);
  const ends = Float64Array.from(members, (bar, i) => begins[i] + axis.length(bar));
  const reach = Float64Array.from(ends);
  for (let i = 1; i < reach.length; i++) reach[i] = Math.max(reach[i], reach[i - 1]);
  const busy = new Float64Array(members.length + 1);
  for (let i = 0; i < members.length; i++) {
    const merged = track.axes === AXES && axisName === "time" && bars.count[members[i]] > 1;
    busy[i + 1] = busy[i] + (merged ? bars.busy[members[i]] : ends[i] - begins[i]);
  }
  return (track.orders[axisName] = { members, begins, ends, reach, busy });
};

/* Calls `wide(bar, begin, end)` for every bar of at least a pixel, and `narrow(column, share, first, last)` for those
   that share a column of pixels: how much of the column they take, and which they are. */
const visit = (track, axisName, view, wide, narrow) => {
  const { members, begins, ends, reach, busy } = orderOf(track, axisName);
  const { from, to, scale } = view;
  let i = firstIndex(members.length, (k) => reach[k] > from);
  while (i < members.length && begins[i] < to) {
    if ((ends[i] - begins[i]) * scale >= 1) {
      wide(members[i], begins[i], ends[i]);
      i += 1;
      continue;
    }
    const column = Math.floor((begins[i] - from) * scale);
    const edge = from + (column + 1) / scale;
    let jump = 1;
    while (i + jump < members.length && begins[i + jump] < edge) jump *= 2;
    let next = i + firstIndex(Math.min(jump, members.length - i), (k) => begins[i + k] >= edge);
    next = Math.max(next, i + 1);
    while (next - 1 > i && (ends[next - 1] - begins[next - 1]) * scale >= 1) next -= 1;
    narrow(column, Math.min(1, (busy[next] - busy[i]) * scale), i, next, members);
    i = next;
  }
};

/* The bar of a track at a place of the axis, or those that are too narrow to be told apart there. */
const barsNear = (track, axisName, at, reachPixels, scale) => {
  const { members, begins, ends, reach } = orderOf(track, axisName);
  const slack = reachPixels / scale;
  const found = [];
  for (let i = firstIndex(members.length, (k) => reach[k] >= at - slack); i < members.length && begins[i] <= at + slack; i++) {
    if (ends[i] >= at - slack) found.push(members[i]);
    if (found.length > 2000) break;
  }
  const inside = found.filter((bar) => {
    const begin = AXES[axisName].begin(bar);
    return begin <= at && begin + AXES[axisName].length(bar) > at;
  });
  return inside.length ? inside : found;
};
