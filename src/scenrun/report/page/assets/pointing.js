/* What the pointer is over, and what the pointer, the wheel and the keys do in the timeline. */

const pointing = (() => {
  const SNAP = 6;
  const box = $("lanes");
  const canvas = $("canvas");
  const tip = $("tip");
  const pointers = new Map();
  let drag = null;

  /* How far below the first lane a height of the canvas is. */
  const depthOf = (y) => y - AXIS + (y - AXIS < pins.height ? 0 : box.scrollTop);

  const hit = (x, y) => {
    const view = range.now();
    if (x < view.left || x > view.right || y < AXIS) return overAxis(view, x, y);
    const lane = laneAt(depthOf(y));
    if (!lane || lane.kind === "head") return null;
    const inLane = depthOf(y) - lane.top;
    if (lane.kind === "depth") return overDepth(lane, view, view.value(x));
    if (lane.kind === "thread" && inLane < SIZES.gap + 1) {
      const row = rowNear(lane.number, view, x);
      if (row >= 0) return { row, lane };
    }
    const levels = lane.tracks.filter((track) => {
      const { y: top, height } = trackBox(lane, track);
      return inLane >= top - 1 && inLane <= top + height;
    });
    for (const track of levels.reverse()) {
      const found = barsNear(track, view.axis, view.value(x), 1, view.scale);
      if (found.length) return { bar: found[0], bars: found, lane, track };
    }
    return { lane };
  };

  const overAxis = (view, x, y) => {
    if (y >= AXIS || y < 0) {
      const lane = y >= AXIS ? laneAt(depthOf(y)) : null;
      return lane && lane.kind !== "head" ? { lane, name: true } : null;
    }
    const finding = data.findings.find((one) => Math.abs(Math.min(view.x(view.axis === "time" ? one.t : one.at), view.right - 20) - x) < 40);
    return finding ? { finding } : null;
  };

  const overDepth = (lane, view, at) => {
    const xs = view.axis === "time" ? lane.series.t : lane.series.at;
    const point = firstIndex(xs.length, (i) => xs[i] > at) - 1;
    return { lane, depth: point >= 0 ? lane.series.size[point] : 0, row: point >= 0 ? rowAt(lane.series.at[point]) : -1 };
  };

  const rowNear = (number, view, x) => {
    const xs = view.axis === "time" ? rows.t : rows.at;
    const [from, to] = view.axis === "time" ? range.placesOf(view.value(x - 4), view.value(x + 4)) : [view.value(x - 5), view.value(x + 5)];
    let best = -1;
    for (let row = firstIndex(rows.count, (i) => rows.at[i] >= from); row < rows.count && rows.at[row] <= to; row++) {
      if (rows.thread[row] < 0 || laneNumber(rows.thread[row]) !== number) continue;
      const far = Math.abs(view.x(xs[row]) - x);
      if (far <= 5 && (best < 0 || far < Math.abs(view.x(xs[best]) - x))) best = row;
    }
    return best;
  };

  const cardOf = (found) => {
    if (!found) return null;
    if (found.finding) return [el("strong", {}, found.finding.kind), el("div", {}, bdi(cut(found.finding.message, 400)))];
    if (found.depth !== undefined) return [el("div", {}, el("strong", {}, bdi(found.lane.name)), ` has ${plural(found.depth, "item")}`), ...(found.row >= 0 ? rowCard(found.row, 200) : [])];
    if (found.bar !== undefined) return [...barCard(found.bar), found.bars.length > 1 ? el("div", { class: "muted" }, `and ${plural(found.bars.length - 1, "more bar")} within a pixel`) : ""];
    if (found.row !== undefined) return rowCard(found.row, 300);
    return found.name ? [el("div", {}, bdi(found.lane.name)), el("div", { class: "muted" }, found.lane.isPinned ? "click: take the pin away" : "click: pin it on top")] : null;
  };

  const showTip = (found, x, y) => {
    const card = cardOf(found);
    tip.hidden = !card;
    if (!card) return;
    tip.replaceChildren(...card);
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height > window.innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
  };

  const choose = (found) => {
    if (found?.finding) {
      const row = rowAt(found.finding.at);
      if (row >= 0) selectRow(row, "timeline");
    } else if (found?.name) pin(found.lane);
    else if (found?.bar !== undefined) selectBar(found.bar, "timeline");
    else if (found?.row >= 0) selectRow(found.row, "timeline");
    else select({}, "timeline");
  };

  const pin = (lane) => {
    const told_ = timeline.pin(lane);
    $("detail").replaceChildren(bdi(told_));
  };

  const place = (event) => {
    const at = canvas.getBoundingClientRect();
    return [event.clientX - at.left, event.clientY - at.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    pointers.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    const view = range.now();
    const measures = (event.shiftKey || measured.state.isMode) && x >= view.left ? snapped(x, y) : null;
    drag = { x, y, from: view.from, to: view.to, top: box.scrollTop, moved: false, apart: apartNow(), measures };
  });
  const apartNow = () => {
    if (pointers.size < 2) return 0;
    const [a, b] = [...pointers.values()];
    return Math.max(8, Math.abs(a[0] - b[0]));
  };

  /* The place of the axis at a pixel, or that of an edge of a bar close by. */
  const snapped = (x, y) => {
    const view = range.now();
    const at = view.value(Math.max(view.left, Math.min(view.right, x)));
    const { bar } = hit(Math.max(view.left + 1, Math.min(view.right - 1, x)), y) || {};
    if (bar === undefined) return at;
    const begin = AXES[view.axis].begin(bar);
    const edges = [begin, begin + AXES[view.axis].length(bar)].filter((edge) => Math.abs(view.x(edge) - x) <= SNAP);
    return edges.sort((a, b) => Math.abs(a - at) - Math.abs(b - at))[0] ?? at;
  };

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    timeline.state.cursor = pointers.size > 1 ? -1 : x;
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, [x, y]);
    if (drag && pointers.size === 2) return pinch();
    if (drag?.measures != null && (drag.moved || Math.abs(x - drag.x) > 3)) return measureTo(x, y);
    if (drag && (drag.moved || Math.hypot(x - drag.x, y - drag.y) > 4)) return dragTo(x, y, event.pointerType);
    timeline.state.hover = hit(x, y);
    showTip(timeline.state.hover, event.clientX, event.clientY);
    timeline.redraw();
  });
  const measureTo = (x, y) => {
    drag.moved = true;
    tip.hidden = true;
    measured.set(drag.measures, snapped(x, y));
  };
  const pinch = () => {
    const view = range.now();
    const [a, b] = [...pointers.values()];
    const apart = apartNow();
    if (drag.apart) range.zoom(drag.apart / apart, view.value((a[0] + b[0]) / 2));
    drag.apart = apart;
    drag.moved = true;
  };
  const dragTo = (x, y, pointer) => {
    drag.moved = true;
    tip.hidden = true;
    box.classList.add("dragging");
    range.shift((drag.x - x) / range.now().scale, drag);
    if (pointer === "mouse") box.scrollTop = drag.top + drag.y - y;
  };
  const release = (event) => {
    const was = drag;
    pointers.delete(event.pointerId);
    if (!pointers.size) drag = null;
    box.classList.remove("dragging");
    if (event.type === "pointerup" && was && !was.moved) choose(hit(...place(event)));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => {
    timeline.state.cursor = -1;
    timeline.state.hover = null;
    tip.hidden = true;
    timeline.redraw();
  });
  box.addEventListener("wheel", (event) => {
    const [x] = place(event);
    const view = range.now();
    if (x < view.left && !event.ctrlKey) return;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (!event.ctrlKey && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) range.pan(sideways / (view.right - view.left));
    else {
      if (range.isWhole() && event.deltaY > 0 && !event.ctrlKey) return;
      range.zoom(Math.exp(Math.max(-0.6, Math.min(0.6, event.deltaY * (event.ctrlKey ? 0.01 : 0.0022)))), view.value(x));
    }
    event.preventDefault();
  }, { passive: false });
  box.addEventListener("scroll", timeline.redraw, { passive: true });

  /* Chooses the lane above or below, and says which it is. */
  const moveLane = (by) => {
    let next = lanes.indexOf(timeline.state.lane);
    do next += by;
    while (lanes[next] && lanes[next].kind === "head");
    const lane = lanes[next];
    if (!lane) return;
    timeline.state.lane = lane;
    timeline.showLane(lane);
    $("detail").replaceChildren(el("strong", {}, bdi(lane.name)), ` ${plural(lane.tracks.reduce((sum, track) => sum + track.members.length, 0), "bar")} in this lane`);
    timeline.redraw();
  };

  /* Chooses the next bar of the lane. */
  const moveBar = (by) => {
    if (!timeline.state.lane) moveLane(1);
    const { lane } = timeline.state;
    if (!lane) return;
    const members = lane.tracks.flatMap((track) => (track.what === "alive" && lane.tracks.length > 1 ? [] : [...track.members]));
    members.sort((a, b) => bars.at[a] - bars.at[b] || a - b);
    if (!members.length) return;
    const now = members.indexOf(selection.bar);
    const next = now < 0 ? (by > 0 ? 0 : members.length - 1) : Math.max(0, Math.min(members.length - 1, now + by));
    timeline.revealBar(members[next]);
    selectBar(members[next], "timeline");
  };

  const KEYS = {
    ArrowLeft: () => range.pan(-0.15), ArrowRight: () => range.pan(0.15), "+": () => range.zoom(0.6), "=": () => range.zoom(0.6), "-": () => range.zoom(1 / 0.6),
    0: range.fit, Home: () => range.pan(-1e9), End: () => range.pan(1e9), w: () => moveLane(-1), s: () => moveLane(1), ",": () => moveBar(-1), ".": () => moveBar(1),
    ArrowUp: () => (box.scrollTop -= 40), ArrowDown: () => (box.scrollTop += 40),
    PageUp: () => (box.scrollTop -= box.clientHeight * 0.8), PageDown: () => (box.scrollTop += box.clientHeight * 0.8),
    Enter: () => selection.bar >= 0 && selectBar(selection.bar, "enter"), Escape: () => measured.clear() || select({}, "timeline"),
    p: () => timeline.state.lane && pin(timeline.state.lane), "[": () => measured.setEnd(false), "]": () => measured.setEnd(true),
  };
  box.addEventListener("keydown", (event) => {
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });

  const showDetail = () => {
    const detail = $("detail");
    if (selection.bar >= 0) detail.replaceChildren(...barCard(selection.bar));
    else if (selection.row >= 0) detail.replaceChildren(...rowCard(selection.row));
    else if (selection.line) detail.replaceChildren(`Line ${selection.line} of the scenario: ${plural(told.get(selection.line) || 0, "line")} of the log, marked above and below`);
    else detail.replaceChildren(el("span", { class: "muted" }, "Point at a bar to see what it is; click it for its line in the scenario."));
  };
  selection.listeners.push((by) => {
    showDetail();
    if (by === "table" && selection.row >= 0) timeline.revealRow(selection.row);
    timeline.redraw();
  });

  $("zoom-in").addEventListener("click", () => range.zoom(0.6));
  $("zoom-out").addEventListener("click", () => range.zoom(1 / 0.6));
  $("fit").addEventListener("click", range.fit);
  $("by-time").addEventListener("click", () => range.setAxis("time"));
  $("by-event").addEventListener("click", () => range.setAxis("event"));

  return { hit, showDetail };
})();
