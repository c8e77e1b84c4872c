/* The critical path on the lanes: a line along each lane for as long as the path is in it, and lines from lane to lane. */

const criticalPath = (() => {
  const { path } = data;
  const size = path.t.length;
  const laneOf = (i) => laneNumber(path.thread[i]);
  const axes = {
    time: { begin: (i) => path.t[i], length: (i) => path.lasted[i] },
    event: { begin: (i) => path.at[i], length: (i) => path.places[i] },
  };
  const state = { isOn: false, hops: 0 };
  let tracks = null;

  const toggle = (isOn = !state.isOn) => {
    state.isOn = isOn && size > 0;
    $("path").setAttribute("aria-pressed", String(state.isOn));
    for (const listener of range.listeners) listener();
  };

  const grouped_ = () => {
    const groups = new Map();
    for (let i = 0; i < size; i++) {
      if (!groups.has(laneOf(i))) groups.set(laneOf(i), []);
      groups.get(laneOf(i)).push(i);
    }
    return new Map([...groups].map(([lane, members]) => [lane, makeTrack("path", 0, members, axes)]));
  };

  /* Where the line lies in a lane. */
  const yOf = (top) => top + SIZES.gap - (isDense ? 1 : 3);
  const HIGH = isDense ? 3 : 4;

  const paintLane = (c, lane, view, top) => {
    const track = tracks.get(lane.number);
    if (!track) return;
    const line = new Path2D();
    let last = -1;
    let from = -1;
    const end = () => from >= 0 && line.rect(view.left + from, yOf(top), last + 1 - from, HIGH);
    visit(
      track, view.axis, view,
      (i, begin, stop) => {
        const x = Math.max(view.left - 2, view.x(begin));
        line.rect(x, yOf(top), Math.min(view.right + 2, view.x(stop)) - x, HIGH);
      },
      (column) => {
        if (column !== last + 1 || from < 0) {
          end();
          from = column;
        }
        last = column;
      },
    );
    end();
    c.fillStyle = colour("path");
    c.fill(line);
  };

  /* Lines from lane to lane, where they can be told apart. */
  const paintHops = (c, view, yOfLane) => {
    const axis = axes[view.axis];
    const first = firstIndex(size, (i) => axis.begin(i) >= view.from);
    const last = firstIndex(size, (i) => axis.begin(i) > view.to);
    state.hops = last - first;
    if (last - first > (view.right - view.left) / 12) return;
    c.fillStyle = colour("path");
    for (let i = Math.max(1, first); i < last; i++) {
      const [from, to] = [laneByNumber.get(laneOf(i - 1)), laneByNumber.get(laneOf(i))];
      if (!from || !to || from === to) continue;
      const [one, other] = [yOf(yOfLane(from)), yOf(yOfLane(to))];
      c.fillRect(Math.round(view.x(axis.begin(i))) - 1, Math.min(one, other), 2, Math.abs(one - other) + HIGH);
    }
  };

  $("path").addEventListener("click", () => toggle());
  $("path").hidden = !size;
  return {
    state, size, toggle, paintHops,
    paintLane: (c, lane, view, top) => state.isOn && lane.kind === "thread" && paintLane(c, lane, view, top),
    ready: () => (tracks ||= grouped_()),
  };
})();
