/* The timeline: draws what is in view, and tells what lies where. */

const timeline = (() => {
  const box = $("lanes");
  const canvas = $("canvas");
  const c = canvas.getContext("2d", { alpha: false });
  const state = { lane: null, hover: null, cursor: -1, drawn: {} };
  let font = "";
  let asked = false;

  const draw = () => {
    asked = false;
    const { width, height } = range.look();
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.font = font ||= `12px ${getComputedStyle(document.body).fontFamily}`;
    c.textBaseline = "middle";
    c.fillStyle = colour("ground");
    c.fillRect(0, 0, width, height);
    const view = range.now();
    if (criticalPath.state.isOn) criticalPath.ready();
    paintGrid(c, view, height);
    const inSight = lanes.filter((lane) => topOf(lane) !== null);
    const shared = paintLanes(view, height, inSight.filter((lane) => !lane.isPinned), pins.height) + (pins.height ? paintPinned(view, height, inSight) : 0);
    paintOver(view, height, shared);
    overview.place();
  };

  /* Where a lane would be, in sight or not; and where it is if it is in sight. */
  const yOfLane = (lane) => AXIS + lane.top - (lane.isPinned ? 0 : range.size.top);
  const topOf = (lane) => {
    const top = yOfLane(lane);
    return top + lane.height > AXIS + (lane.isPinned ? 0 : pins.height) && top < range.size.height ? top : null;
  };
  const isInSight = (lane) => topOf(lane) !== null;

  const clipped = (x, y, width, height, paint) => {
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    paint();
    c.restore();
  };

  /* Some lanes, below a height; returns how many of their bars were too narrow to be drawn by themselves. */
  const paintLanes = (view, height, some, from) => {
    const batch = makeBatch(view);
    pixels.clear(canvas.width, canvas.height);
    clipped(view.left, AXIS + from, view.right - view.left, height, () => {
      for (const lane of some) {
        if (lane === state.lane) {
          c.fillStyle = colour("panel");
          c.fillRect(view.left, topOf(lane), view.right, lane.height);
        }
        batch.lane(lane, view, topOf(lane));
      }
      batch.paint(c);
      for (const lane of some) criticalPath.paintLane(c, lane, view, topOf(lane));
      paintTicks(c, view, (lane) => (some.includes(lane) ? topOf(lane) : null));
    });
    clipped(0, AXIS + from, view.right, height, () => {
      for (const lane of some) paintName(lane, view);
      for (const lane of some) if (lane.kind === "depth") clipped(view.left - 40, AXIS, view.right, height, () => paintDepth(c, lane, view, topOf(lane)));
    });
    return batch.shared();
  };

  const paintPinned = (view, height, inSight) => {
    c.fillStyle = colour("ground");
    c.fillRect(0, AXIS, view.right, pins.height);
    const shared = paintLanes(view, height, inSight.filter((lane) => lane.isPinned), 0);
    c.fillStyle = colour("strong");
    c.fillRect(0, AXIS + pins.height - 1, view.right, 2);
    return shared;
  };

  const paintName = (lane, view) => {
    const top = topOf(lane);
    c.fillStyle = colour("rule");
    c.fillRect(lane.kind === "head" ? 0 : 10, top, view.right, 1);
    const isHead = lane.kind === "head";
    if (isHead) {
      c.fillStyle = colour("ground");
      c.fillRect(0, top + 1, view.right, lane.height - 1);
    }
    c.fillStyle = colour(isHead ? "muted" : "ink");
    const middle = lane.kind === "thread" ? top + SIZES.gap + SIZES.bar / 2 : lane.kind === "depth" ? top + 14 : top + lane.height / 2;
    if (!isHead && isDense && lane.height < 12) c.font = font.replace("12px", "10px");
    clipped(0, top, isHead ? view.right : view.left - 6, lane.height + 2, () => {
      c.fillText(isHead ? lane.name : fitted(lane.name, view.left - (lane.isPinned ? 28 : 18)), 10, middle + 0.5);
      if (lane.isPinned && !isHead) paintPin(view.left - 14, middle);
    });
    c.font = font;
  };

  const paintPin = (x, y) => {
    c.fillStyle = colour("accent");
    c.fillRect(x - 3, y - 6, 6, 6);
    c.fillRect(x - 5, y, 10, 1.5);
    c.fillRect(x - 0.5, y + 1, 1.2, 5);
  };

  /* A name as far as there is room, its end kept, as that is where replicas differ. */
  const fitted = (name, room) => {
    const wide = widthOf(c, name);
    if (wide <= room) return name;
    const keep = Math.max(3, Math.floor((name.length * room) / wide) - 1);
    return `${name.slice(0, Math.ceil(keep / 2))}…${name.slice(name.length - Math.floor(keep / 2))}`;
  };

  const paintOver = (view, height, shared) => {
    const drawn = arrows.of(view, state.hover);
    clipped(view.left, AXIS, view.right - view.left, height, () => {
      if (criticalPath.state.isOn) criticalPath.paintHops(c, view, yOfLane);
      drawn.painted = arrows.paint(c, view, drawn, yOfLane, isInSight);
    });
    measured.paint(c, view, height);
    paintAxis(c, view);
    for (const finding of data.findings) paintFinding(c, finding, view, height, topOf);
    paintCursor(view, height);
    say(view, shared, drawn);
  };

  const paintCursor = (view, height) => {
    if (state.cursor < view.left) return;
    c.fillStyle = colour("muted");
    c.globalAlpha = 0.5;
    c.fillRect(Math.round(state.cursor), AXIS, 1, height);
    c.globalAlpha = 1;
  };

  const say = (view, shared, drawn) => {
    const parts = [];
    parts.push(view.axis === "time"
      ? `${moment(Math.max(0, Math.round(view.from)))} to ${moment(Math.round(view.to))} of ${data.clock || "time"}`
      : `lines #${count(numberAt(Math.max(0, Math.ceil(view.from))))} to #${count(numberAt(Math.min(data.count - 1, Math.floor(view.to))))}, each as wide as the others`);
    if (shared) parts.push(`${plural(shared, "bar")} narrower than a pixel drawn as shares of their time: zoom in to see each`);
    if (!drawn.isAll) parts.push(`${plural(drawn.inRange, "hand-over")} in view: arrows of what is pointed at or chosen; zoom in for all`);
    state.drawn = { shared, arrows: drawn.painted, isAll: drawn.isAll, path: criticalPath.state.isOn };
    const text = parts.join(" · ");
    if ($("status").textContent !== text) $("status").textContent = text;
  };

  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };
  range.listeners.push(redraw);

  /* Brings a moment and a thread into view, moving no more than needed. */
  const reveal = (begin, end, lane) => {
    const { from, to, axis } = range.state;
    if (end < from || begin > to || end - begin < (to - from) / 2000) {
      const span = Math.min(to - from, Math.max((end - begin) * 12, AXES[axis].least * 8));
      range.set((begin + end - span) / 2, (begin + end + span) / 2);
    }
    if (lane) showLane(lane);
    redraw();
  };
  const showLane = (lane) => {
    range.look();
    const top = yOfLane(lane);
    if (lane.isPinned || (top >= AXIS + pins.height && top + lane.height <= box.clientHeight)) return;
    box.scrollTop = Math.max(0, lane.top - pins.height - (box.clientHeight - pins.height) / 2);
  };
  const revealBar = (bar) => {
    const axis = AXES[range.state.axis];
    reveal(axis.begin(bar), axis.begin(bar) + axis.length(bar), laneOfThread.get(bars.thread[bar]));
  };
  const revealRow = (row) => {
    const { axis, from, to } = range.state;
    const at = (axis === "time" ? rows.t : rows.at)[row];
    if (at < from || at > to) range.set(at - (to - from) / 2, at + (to - from) / 2);
    reveal(range.state.from, range.state.to, laneOfThread.get(rows.thread[row]));
  };

  /* Pins a lane, or takes its pin away; says which of them it did. */
  const pin = (lane) => {
    const isPinned = pins.chosen.includes(lane);
    const wanted = isPinned ? pins.chosen.filter((one) => one !== lane) : [...pins.chosen, lane];
    const height = HEAD + wanted.reduce((sum, one) => sum + one.height, 0);
    if (!isPinned && height > MOST_PINNED * Math.max(260, box.clientHeight - AXIS)) return `There is no room to pin ${lane.name}: take another pin away first`;
    setPins(wanted);
    return `${lane.name} ${isPinned ? "is not pinned any more" : "is pinned on top"}`;
  };
  const MOST_PINNED = 0.7;
  const setPins = (wanted) => {
    pins.chosen = wanted;
    arrange();
    layout();
    for (const listener of range.listeners) listener();
  };

  const layout = () => {
    box.style.height = `${Math.min(lanesHeight + AXIS + 8, Math.max(260, Math.round(window.innerHeight * 0.62)))}px`;
    $("lanes-size").style.height = `${Math.max(lanesHeight + AXIS, box.clientHeight)}px`;
    range.look();
    overview.layout();
    redraw();
  };

  /* Where the bars in view are drawn, in pixels of the page. */
  const boxes = () => {
    range.look();
    const view = range.now();
    const at = canvas.getBoundingClientRect();
    const found = [];
    for (const lane of lanes) {
      const top = topOf(lane);
      if (top === null) continue;
      for (const track of lane.tracks) {
        const { y, height } = trackBox(lane, track);
        visit(track, view.axis, view, (bar, begin, end) => {
          const left = Math.max(view.left, view.x(begin));
          const right = Math.min(view.right, view.x(end));
          found.push({ bar, lane: lane.kind, name: lane.name, thread: nameOf(data.threads, bars.thread[bar]), what: kindOf(bar),
            object: nameOf(data.objects, bars.object[bar]), line: bars.line[bar], begin: bars.t[bar], end: bars.t[bar] + bars.lasted[bar],
            x: at.left + left, y: at.top + top + y, width: right - left, height });
        }, () => {});
      }
    }
    return found;
  };

  return { state, draw, redraw, layout, reveal, revealBar, revealRow, boxes, topOf, showLane, pin, setPins };
})();
