/* The overview: all of the axis in a strip, and on it a brush that is the range in view. */

const overview = (() => {
  const HIGH = 34;
  const STACK = ["calling", "working", "alive", "waiting"];
  const strip = $("overview");
  const canvas = $("overview-canvas");
  const c = canvas.getContext("2d");
  const [brush, begin, end] = [$("brush"), $("brush-begin"), $("brush-end")];
  let left = 0;
  let width = 1;
  let drag = null;
  const sums = {};

  /* How many threads are in each state at each column of pixels. */
  const sumsOf = (axisName) => {
    const key = `${axisName} ${width}`;
    if (sums.key === key) return sums.columns;
    const axis = AXES[axisName];
    const scale = width / (axis.end - axis.start);
    const columns = Object.fromEntries([...STACK, "sleeping"].map((kind) => [kind, new Float64Array(width + 2)]));
    for (let bar = 0; bar < bars.size; bar++) {
      const column = columns[kindOf(bar)];
      if (!column) continue;
      const from = (axis.begin(bar) - axis.start) * scale;
      const to = Math.min(width, from + axis.length(bar) * scale);
      addTo(column, from, to);
    }
    for (const kind of Object.keys(columns)) for (let x = 1; x < width; x++) columns[kind][x] += columns[kind][x - 1];
    for (let x = 0; x < width; x++) columns.alive[x] = Math.max(0, columns.alive[x] - columns.calling[x] - columns.working[x] - columns.waiting[x] - columns.sleeping[x]);
    return Object.assign(sums, { key, columns }).columns;
  };

  /* Adds a bar as differences from column to column, each column as far as the bar covers it. */
  const addTo = (column, from, to) => {
    const [first, last] = [Math.floor(from), Math.floor(to)];
    if (first === last) {
      column[first] += to - from;
      column[first + 1] -= to - from;
      return;
    }
    const [head, tail] = [first + 1 - from, to - last];
    column[first] += head;
    column[first + 1] += 1 - head;
    column[last] += tail - 1;
    column[last + 1] -= tail;
  };

  const paint = () => {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(HIGH * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${HIGH}px`;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = colour("panel");
    c.fillRect(0, 0, width, HIGH);
    const columns = sumsOf(range.state.axis);
    let most = 1;
    for (let x = 0; x < width; x++) most = Math.max(most, STACK.reduce((sum, kind) => sum + columns[kind][x], 0));
    const bases = new Float64Array(width);
    for (const kind of STACK) {
      c.fillStyle = colour(kind === "working" ? "working" : `${NAMED[kind] || kind}-ink`);
      const path = new Path2D();
      for (let x = 0; x < width; x++) {
        const high = (Math.max(0, columns[kind][x]) / most) * (HIGH - 4);
        path.rect(x, HIGH - bases[x] - high, 1, high);
        bases[x] += high;
      }
      c.globalAlpha = kind === "waiting" ? 0.35 : 0.9;
      c.fill(path);
    }
    c.globalAlpha = 1;
    c.fillStyle = colour("bad");
    for (const finding of data.findings) c.fillRect(Math.min(width - 2, Math.round(xOf(range.state.axis === "time" ? finding.t : finding.at))), 0, 2, HIGH);
    sums.painted = range.state.axis;
  };

  const xOf = (at) => {
    const { from, to } = range.limits();
    return ((at - from) / (to - from)) * width;
  };
  const valueOf = (x) => {
    const { from, to } = range.limits();
    return from + (x / width) * (to - from);
  };

  let saying = 0;
  const place = () => {
    if (sums.painted !== range.state.axis) paint();
    const [from, to] = [xOf(range.state.from), xOf(range.state.to)];
    brush.style.transform = `translateX(${from}px)`;
    brush.style.width = `${Math.max(2, to - from)}px`;
    begin.style.transform = `translateX(${Math.max(0, from)}px)`;
    end.style.transform = `translateX(${Math.min(width, Math.max(from + 2, to))}px)`;
    clearTimeout(saying);
    saying = setTimeout(say, 120);
  };

  const say = () => {
    const bounds = range.limits();
    const { from, to } = range.state;
    for (const [node, now, text] of [[brush, from, `${placeText(from)} to ${placeText(to)}`], [begin, from, placeText(from)], [end, to, placeText(to)]]) {
      node.setAttribute("aria-valuemin", String(Math.round(bounds.from)));
      node.setAttribute("aria-valuemax", String(Math.round(bounds.to)));
      node.setAttribute("aria-valuenow", String(Math.round(now)));
      node.setAttribute("aria-valuetext", text);
    }
  };

  const layout = () => {
    const view = range.now();
    left = view.left;
    width = Math.max(1, Math.round(view.right - view.left));
    strip.style.marginLeft = `${left + 1}px`;
    strip.style.width = `${width}px`;
    paint();
    place();
  };

  /* Moves one end to a place; the other stays. */
  const setBegin = (at) => range.set(Math.min(at, range.state.to - 1e-9), range.state.to);
  const setEnd = (at) => range.set(range.state.from, Math.max(at, range.state.from + 1e-9));

  const xAt = (event) => event.clientX - strip.getBoundingClientRect().left;
  strip.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    const x = xAt(event);
    const part = event.target === begin ? "begin" : event.target === end ? "end" : event.target === brush && !range.isWhole() ? "brush" : "new";
    drag = { part, x, from: range.state.from, to: range.state.to, moved: false };
    strip.setPointerCapture(event.pointerId);
    event.preventDefault();
    (part === "new" ? brush : event.target).focus({ preventScroll: true });
  });
  strip.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const x = xAt(event);
    drag.moved ||= Math.abs(x - drag.x) > 2;
    if (!drag.moved) return;
    const by = valueOf(x) - valueOf(drag.x);
    if (drag.part === "begin") setBegin(Math.min(drag.from + by, drag.to));
    else if (drag.part === "end") setEnd(Math.max(drag.to + by, drag.from));
    else if (drag.part === "brush") range.shift(by, drag);
    else range.set(valueOf(Math.min(x, drag.x)), valueOf(Math.max(x, drag.x)));
  });
  strip.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved && drag.part === "new" && !range.isWhole()) range.shift(valueOf(xAt(event)) - (drag.from + drag.to) / 2);
    drag = null;
  });
  strip.addEventListener("pointercancel", () => (drag = null));
  strip.addEventListener("dblclick", range.fit);

  /* With the keys the brush moves as a whole, and each grip by itself. */
  const keyed = (node, move, home, last) => node.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) move(step * 0.05 * (range.state.to - range.state.from));
    else if (event.key === "Home") home();
    else if (event.key === "End") last();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  keyed(brush, (by) => range.shift(by), () => range.pan(-1e9), () => range.pan(1e9));
  keyed(begin, (by) => setBegin(range.state.from + by), () => setBegin(range.limits().from), () => setBegin(range.state.to));
  keyed(end, (by) => setEnd(range.state.to + by), () => setEnd(range.state.from), () => setEnd(range.limits().to));

  return { layout, paint, place };
})();
