/* A measured range of the axis: how long it is. */

const measured = (() => {
  const state = { from: 0, to: 0, isOn: false, isMode: false };

  const tell = () => {
    const line = $("measured");
    line.hidden = !state.isOn;
    if (state.isOn) line.textContent = `Measured: ${placeText(state.from)} to ${placeText(state.to)}, ${length()}. Esc takes it away.`;
    $("measure").setAttribute("aria-pressed", String(state.isMode));
    timeline.redraw();
    address.moved();
  };

  const length = () => {
    if (range.state.axis === "time") return lasting(Math.round(state.to) - Math.round(state.from));
    return plural(Math.round(state.to) - Math.round(state.from), "line");
  };

  const set = (one, other) => {
    Object.assign(state, { from: Math.min(one, other), to: Math.max(one, other), isOn: true });
    tell();
  };
  const clear = () => {
    const was = state.isOn || state.isMode;
    state.isOn = state.isMode = false;
    tell();
    return was;
  };
  const toggle = () => {
    state.isMode = !state.isMode;
    tell();
  };

  /* One end of the range at the edge of what is chosen, or of what is in view. */
  const setEnd = (isEnd) => {
    const { axis, from, to } = range.state;
    const [begin, end] = selection.bar >= 0
      ? [AXES[axis].begin(selection.bar), AXES[axis].begin(selection.bar) + AXES[axis].length(selection.bar)]
      : selection.row >= 0 ? Array(2).fill((axis === "time" ? rows.t : rows.at)[selection.row]) : [from, to];
    if (isEnd) set(state.isOn ? state.from : begin, end);
    else set(begin, state.isOn ? state.to : end);
  };

  /* Takes both ends to the other axis. */
  const turn = (convert) => {
    if (!state.isOn) return;
    [state.from, state.to] = [convert(state.from), convert(state.to)];
    queueMicrotask(tell);
  };

  const paint = (c, view, height) => {
    if (!state.isOn) return;
    const [left, right] = [view.x(state.from), view.x(state.to)].map((x) => Math.max(view.left - 1, Math.min(view.right + 1, x)));
    c.fillStyle = colour("accent");
    c.globalAlpha = 0.12;
    c.fillRect(left, AXIS, right - left, height);
    c.globalAlpha = 1;
    for (const [x, at] of [[left, state.from], [right, state.to]]) if (at >= view.from && at <= view.to) c.fillRect(Math.round(x), AXIS, 1, height);
    const text = length();
    const wide = widthOf(c, text) + 12;
    const x = Math.max(view.left, Math.min(view.right - wide, (left + right - wide) / 2));
    c.fillRect(x, AXIS + 3, wide, 18);
    c.fillStyle = colour("ground");
    c.fillText(text, x + 6, AXIS + 12.5);
  };

  $("measure").addEventListener("click", toggle);
  return { state, set, clear, toggle, setEnd, turn, paint };
})();
