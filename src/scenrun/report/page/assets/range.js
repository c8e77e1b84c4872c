/* The range of the axis that is in view: moved, zoomed, and changed from one axis to the other. Those who show it listen. */

const range = (() => {
  const box = $("lanes");
  const state = { axis: data.player ? "event" : "time", from: 0, to: 1 };
  const listeners = [];

  /* How large the lanes are and how far they are scrolled, as of the last look: each look may cost a layout. */
  const size = { width: 0, height: 0, top: 0 };
  const look = () => Object.assign(size, { width: box.clientWidth, height: box.clientHeight, top: box.scrollTop });

  const gutter = () => (size.width < 560 ? 92 : 150);
  const limits = () => ({ from: AXES[state.axis].start, to: AXES[state.axis].end });
  const isWhole = () => state.to - state.from >= (limits().to - limits().from) * 0.999;

  /* The first and the last place of the log that are in view; times are nearly in the order of the log. */
  const placesOf = (from, to) => {
    if (state.axis === "event" || !rows.count) return [from - 1, to + 1];
    const first = firstIndex(rows.count, (i) => rows.t[i] >= from);
    const last = firstIndex(rows.count, (i) => rows.t[i] > to);
    return [first < rows.count ? rows.at[Math.max(0, first - 20)] : Infinity, last ? rows.at[Math.min(rows.count - 1, last + 20)] : -1];
  };

  const now = () => {
    const left = gutter();
    const right = size.width;
    const { axis, from, to } = state;
    const scale = (right - left) / (to - from);
    return { axis, from, to, left, right, scale, x: (at) => left + (at - from) * scale, value: (px) => from + (px - left) / scale, places: placesOf(from, to) };
  };

  const set = (from, to) => {
    const bounds = limits();
    const least = Math.min(AXES[state.axis].least, bounds.to - bounds.from);
    let span = Math.max(least, Math.min(bounds.to - bounds.from, to - from));
    if (!Number.isFinite(span)) span = bounds.to - bounds.from;
    const begin = Math.max(bounds.from, Math.min(bounds.to - span, from + (to - from - span) / 2));
    state.from = begin;
    state.to = begin + span;
    for (const listener of listeners) listener();
  };

  const zoom = (factor, at = (state.from + state.to) / 2) => set(at - (at - state.from) * factor, at + (state.to - at) * factor);

  /* Moves a range by as much as the axis allows. */
  const shift = (by, { from, to } = state) => {
    const bounds = limits();
    const allowed = Math.max(bounds.from - from, Math.min(bounds.to - to, by));
    set(from + allowed, to + allowed);
  };
  const pan = (share) => shift((state.to - state.from) * share);
  const fit = () => set(limits().from, limits().to);

  /* A place of an axis on the other one: that of the first line from there on. */
  const convert = (at, axis) => {
    if (!rows.count) return at;
    const [xs, ys] = axis === "time" ? [rows.t, rows.at] : [rows.at, rows.t];
    return ys[Math.min(rows.count - 1, firstIndex(rows.count, (i) => xs[i] >= at))];
  };

  const setAxis = (axis) => {
    if (axis === state.axis) return;
    const there = [state.from, state.to].map((at) => convert(at, state.axis));
    const whole = isWhole();
    measured.turn((at) => convert(at, state.axis));
    state.axis = axis;
    showAxis();
    if (whole) fit();
    else set(...there);
  };
  const showAxis = () => {
    $("by-time").setAttribute("aria-pressed", String(state.axis === "time"));
    $("by-event").setAttribute("aria-pressed", String(state.axis === "event"));
  };

  return { state, listeners, size, look, limits, isWhole, now, set, zoom, shift, pan, fit, setAxis, showAxis, placesOf };
})();

/* A place of the axis in words. */
const placeText = (at) => (range.state.axis === "time" ? moment(Math.round(at)) : `#${count(numberAt(Math.max(0, Math.min(data.count - 1, Math.round(at)))))}`);
