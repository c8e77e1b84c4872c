/* The timeline: which part of it is in view, how one moves in it, and what the pointer is over. */

const timeline = (() => {
  const box = $("lanes");
  const canvas = $("canvas");
  const c = canvas.getContext("2d", { alpha: false });
  const tip = $("tip");
  const state = { axis: data.player ? "event" : "time", from: 0, to: 1, lane: -1, hover: null, cursor: -1, drawn: {} };
  const pointers = new Map();
  let drag = null;
  let asked = false;

  const gutter = () => (box.clientWidth < 560 ? 92 : 150);
  const limits = () => ({ from: 0, to: AXES[state.axis].end() * 1.0 + (state.axis === "event" ? 1 : 0) });

  const viewNow = () => {
    const left = gutter();
    const right = box.clientWidth;
    const scale = (right - left) / (state.to - state.from);
    const x = (at) => left + (at - state.from) * scale;
    const value = (px) => state.from + (px - left) / scale;
    return { axis: state.axis, from: state.from, to: state.to, left, right, scale, x, value, places: placesOf(state.from, state.to) };
  };

  /* The first and the last place of the log that are in view; times are nearly in the order of the log. */
  const placesOf = (from, to) => {
    if (state.axis === "event" || !rows.count) return [from - 1, to + 1];
    const first = firstIndex(rows.count, (i) => rows.t[i] >= from);
    const last = firstIndex(rows.count, (i) => rows.t[i] > to);
    return [first < rows.count ? rows.at[Math.max(0, first - 20)] : Infinity, last ? rows.at[Math.min(rows.count - 1, last + 20)] : -1];
  };

  const draw = () => {
    asked = false;
    const width = box.clientWidth;
    const height = box.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    c.textBaseline = "middle";
    c.fillStyle = colour("ground");
    c.fillRect(0, 0, width, height);
    const view = viewNow();
    const shownLanes = paintLanes(view, width, height);
    paintOver(view, height, shownLanes);
    say(view, shownLanes);
  };

  const topOf = (lane) => {
    const top = AXIS + lane.top - box.scrollTop;
    return top + lane.height > AXIS && top < box.clientHeight ? top : null;
  };

  const paintLanes = (view, width, height) => {
    paintGrid(c, view, height);
    const seen = { lanes: [], shared: 0 };
    const first = Math.max(0, firstIndex(lanes.length, (i) => lanes[i].top > box.scrollTop) - 1);
    c.save();
    c.beginPath();
    c.rect(view.left, AXIS, width - view.left, height);
    c.clip();
    for (let i = first; i < lanes.length && topOf(lanes[i]) !== null; i++) {
      seen.lanes.push(lanes[i]);
      if (i === state.lane) {
        c.fillStyle = colour("panel");
        c.fillRect(view.left, topOf(lanes[i]), width, lanes[i].height);
      }
      seen.shared += paintTracks(c, lanes[i], view, topOf(lanes[i]));
    }
    paintTicks(c, view, topOf);
    c.restore();
    for (const lane of seen.lanes) paintName(lane, view);
    for (const lane of seen.lanes) if (lane.kind === "depth") clipped(view, height, () => paintDepth(c, lane, view, topOf(lane)));
    return seen;
  };

  const clipped = (view, height, paint) => {
    c.save();
    c.beginPath();
    c.rect(view.left - 40, AXIS, view.right - view.left + 40, height);
    c.clip();
    paint();
    c.restore();
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
    if (!isHead && isDense && lane.height < 12) c.font = c.font.replace("12px", "10px");
    c.save();
    c.beginPath();
    c.rect(0, top, isHead ? view.right : view.left - 6, lane.height + 2);
    c.clip();
    c.fillText(isHead ? lane.name : fitted(lane.name, view.left - 18), 10, middle + 0.5);
    c.restore();
    c.font = c.font.replace("10px", "12px");
  };

  /* A name as far as there is room, its end kept, as that is where replicas differ. */
  const fitted = (name, room) => {
    const wide = c.measureText(name).width;
    if (wide <= room) return name;
    const keep = Math.max(3, Math.floor((name.length * room) / wide) - 1);
    return `${name.slice(0, Math.ceil(keep / 2))}…${name.slice(name.length - Math.floor(keep / 2))}`;
  };

  const arrowsInView = (view) => {
    const axis = AXES[view.axis];
    const found = [];
    for (const bar of causes) {
      const end = bars.t[bar] !== undefined && arrowEnd(axis, bar);
      const begin = view.axis === "time" ? bars.by_t[bar] : bars.by_at[bar];
      if (end < view.from || begin > view.to) continue;
      const from = laneOfThread.get(bars.by[bar]);
      const to = laneOfThread.get(bars.thread[bar]);
      if (from && to && from !== to && (topOf(from) !== null || topOf(to) !== null)) found.push([bar, from, to, begin, end]);
    }
    return found;
  };

  const begins = new Set(["alive", "queued"]);
  const causes = [];
  for (let bar = 0; bar < bars.size; bar++) if (bars.by[bar] >= 0) causes.push(bar);
  const arrowEnd = (axis, bar) => axis.begin(bar) + (begins.has(kindOf(bar)) ? 0 : axis.length(bar));

  const paintOver = (view, height, seen) => {
    const arrows = arrowsInView(view);
    seen.arrows = arrows.length;
    const many = arrows.length > Math.max(60, (view.right - view.left) / 8);
    seen.arrowsLeftOut = many;
    c.save();
    c.beginPath();
    c.rect(view.left, AXIS, view.right - view.left, height);
    c.clip();
    const focus = state.hover?.bar ?? -1;
    for (const [bar, from, to, begin, end] of arrows) {
      const strong = bar === selection.bar || bar === focus;
      if (many && !strong) continue;
      const down = to.top > from.top;
      const yFrom = AXIS + from.top - box.scrollTop + SIZES.gap + (down ? SIZES.bar : 0);
      const yTo = AXIS + to.top - box.scrollTop + SIZES.gap + (down ? 0 : SIZES.bar);
      paintArrow(c, view.x(begin), yFrom, view.x(end), yTo, strong);
    }
    c.restore();
    paintAxis(c, view);
    for (const finding of data.findings) paintFinding(c, finding, view, height, topOf);
    paintCursor(view, height);
  };

  const paintCursor = (view, height) => {
    if (state.cursor < view.left || pointers.size > 1) return;
    c.fillStyle = colour("muted");
    c.globalAlpha = 0.5;
    c.fillRect(Math.round(state.cursor), AXIS, 1, height);
    c.globalAlpha = 1;
  };

  const say = (view, seen) => {
    const parts = [];
    const range = view.axis === "time"
      ? `${moment(Math.max(0, Math.round(view.from)))} to ${moment(Math.round(view.to))} of ${data.clock || "time"}`
      : `lines #${count(numberAt(Math.max(0, Math.ceil(view.from))))} to #${count(numberAt(Math.min(data.count - 1, Math.floor(view.to))))}, each as wide as the others`;
    parts.push(range);
    if (seen.shared) parts.push(`${plural(seen.shared, "bar")} narrower than a pixel drawn as shares of their time: zoom in to see each`);
    if (seen.arrowsLeftOut) parts.push(`${plural(seen.arrows, "hand-over")} in view: zoom in for their arrows`);
    state.drawn = { shared: seen.shared, arrows: seen.arrowsLeftOut ? 0 : seen.arrows };
    $("status").textContent = parts.join(" · ");
  };

  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  };

  /* --- which part is in view */

  const setView = (from, to) => {
    const bounds = limits();
    const least = Math.min(AXES[state.axis].least, bounds.to - bounds.from);
    let span = Math.max(least, Math.min(bounds.to - bounds.from, to - from));
    if (!Number.isFinite(span)) span = bounds.to - bounds.from;
    const begin = Math.max(bounds.from, Math.min(bounds.to - span, from + (to - from - span) / 2));
    state.from = begin;
    state.to = begin + span;
    redraw();
  };

  const zoom = (factor, at = (state.from + state.to) / 2) => {
    setView(at - (at - state.from) * factor, at + (state.to - at) * factor);
  };
  const pan = (share) => {
    const by = (state.to - state.from) * share;
    const bounds = limits();
    const allowed = Math.max(bounds.from - state.from, Math.min(bounds.to - state.to, by));
    setView(state.from + allowed, state.to + allowed);
  };
  const fit = () => setView(limits().from, limits().to);

  const setAxis = (axis) => {
    if (axis === state.axis) return;
    const middle = [state.from, state.to].map((at) => convert(at, state.axis));
    const whole = state.to - state.from >= (limits().to - limits().from) * 0.999;
    state.axis = axis;
    $("by-time").setAttribute("aria-pressed", String(axis === "time"));
    $("by-event").setAttribute("aria-pressed", String(axis === "event"));
    if (whole) fit();
    else setView(...middle);
  };

  const convert = (at, axis) => {
    if (!rows.count) return at;
    const [xs, ys] = axis === "time" ? [rows.t, rows.at] : [rows.at, rows.t];
    return ys[Math.min(rows.count - 1, firstIndex(rows.count, (i) => xs[i] >= at))];
  };

  /* Brings a moment and a thread into view, moving no more than needed. */
  const reveal = (begin, end, lane) => {
    if (end < state.from || begin > state.to || end - begin < (state.to - state.from) / 2000) {
      const span = Math.min(state.to - state.from, Math.max((end - begin) * 12, AXES[state.axis].least * 8));
      setView((begin + end - span) / 2, (begin + end + span) / 2);
    }
    if (lane && (topOf(lane) === null || lane.top < box.scrollTop || lane.top + lane.height > box.scrollTop + box.clientHeight - AXIS)) {
      box.scrollTop = Math.max(0, lane.top - box.clientHeight / 2);
    }
    redraw();
  };
  const revealBar = (bar) => {
    const axis = AXES[state.axis];
    reveal(axis.begin(bar), axis.begin(bar) + axis.length(bar), laneOfThread.get(bars.thread[bar]));
  };
  const revealRow = (row) => {
    const at = (state.axis === "time" ? rows.t : rows.at)[row];
    if (at < state.from || at > state.to) setView(at - (state.to - state.from) / 2, at + (state.to - state.from) / 2);
    reveal(state.from, state.to, laneOfThread.get(rows.thread[row]));
  };

  /* --- what the pointer is over */

  const hit = (x, y) => {
    const view = viewNow();
    if (x < view.left || x > view.right || y < AXIS) return overAxis(view, x, y);
    const lane = laneAt(y - AXIS + box.scrollTop);
    if (!lane || lane.kind === "head") return null;
    const inLane = y - AXIS + box.scrollTop - lane.top;
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
      const lane = y >= AXIS ? laneAt(y - AXIS + box.scrollTop) : null;
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
    const [from, to] = view.axis === "time" ? placesOf(view.value(x - 4), view.value(x + 4)) : [view.value(x - 5), view.value(x + 5)];
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
    return found.name ? [bdi(found.lane.name)] : null;
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
    } else if (found?.bar !== undefined) selectBar(found.bar, "timeline");
    else if (found?.row >= 0) selectRow(found.row, "timeline");
    else select({}, "timeline");
  };

  /* --- pointer, wheel and keys */

  const place = (event) => {
    const at = canvas.getBoundingClientRect();
    return [event.clientX - at.left, event.clientY - at.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    pointers.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    const [x, y] = place(event);
    drag = { x, y, from: state.from, to: state.to, top: box.scrollTop, moved: false, apart: apartNow() };
  });
  const apartNow = () => {
    if (pointers.size < 2) return 0;
    const [a, b] = [...pointers.values()];
    return Math.max(8, Math.abs(a[0] - b[0]));
  };
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    state.cursor = x;
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, [x, y]);
    if (drag && pointers.size === 2) return pinch();
    if (drag && (drag.moved || Math.hypot(x - drag.x, y - drag.y) > 4)) return dragTo(x, y, event.pointerType);
    state.hover = hit(x, y);
    showTip(state.hover, event.clientX, event.clientY);
    redraw();
  });
  const pinch = () => {
    const view = viewNow();
    const [a, b] = [...pointers.values()];
    const apart = apartNow();
    if (drag.apart) zoom(drag.apart / apart, view.value((a[0] + b[0]) / 2));
    drag.apart = apart;
    drag.moved = true;
  };
  const dragTo = (x, y, pointer) => {
    drag.moved = true;
    tip.hidden = true;
    box.classList.add("dragging");
    const by = ((drag.x - x) / viewNow().scale);
    const bounds = limits();
    const allowed = Math.max(bounds.from - drag.from, Math.min(bounds.to - drag.to, by));
    setView(drag.from + allowed, drag.to + allowed);
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
    state.cursor = -1;
    state.hover = null;
    tip.hidden = true;
    redraw();
  });
  box.addEventListener("wheel", (event) => {
    const [x] = place(event);
    const view = viewNow();
    if (x < view.left && !event.ctrlKey) return;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (!event.ctrlKey && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) pan(sideways / (view.right - view.left));
    else {
      const whole = state.to - state.from >= limits().to - limits().from;
      if (whole && event.deltaY > 0 && !event.ctrlKey) return;
      zoom(Math.exp(Math.max(-0.6, Math.min(0.6, event.deltaY * (event.ctrlKey ? 0.01 : 0.0022)))), view.value(x));
    }
    event.preventDefault();
  }, { passive: false });
  box.addEventListener("scroll", redraw, { passive: true });

  /* Chooses the lane above or below, and says which it is. */
  const moveLane = (by) => {
    let next = state.lane;
    do next += by;
    while (lanes[next] && lanes[next].kind === "head");
    if (!lanes[next]) return;
    state.lane = next;
    const lane = lanes[next];
    if (topOf(lane) === null || lane.top + lane.height > box.scrollTop + box.clientHeight - AXIS) box.scrollTop = lane.top - 40;
    if (lane.top < box.scrollTop) box.scrollTop = lane.top;
    $("detail").replaceChildren(el("strong", {}, bdi(lane.name)), ` ${plural(lane.tracks.reduce((sum, track) => sum + track.members.length, 0), "bar")} in this lane`);
    redraw();
  };

  /* Chooses the next bar of the lane. */
  const moveBar = (by) => {
    if (state.lane < 0) moveLane(1);
    const lane = lanes[state.lane];
    const members = lane.tracks.flatMap((track) => (track.what === "alive" && lane.tracks.length > 1 ? [] : [...track.members]));
    members.sort((a, b) => bars.at[a] - bars.at[b] || a - b);
    if (!members.length) return;
    const now = members.indexOf(selection.bar);
    const next = now < 0 ? (by > 0 ? 0 : members.length - 1) : Math.max(0, Math.min(members.length - 1, now + by));
    revealBar(members[next]);
    selectBar(members[next], "timeline");
  };

  const KEYS = {
    ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6),
    0: fit, Home: () => pan(-1e9), End: () => pan(1e9), w: () => moveLane(-1), s: () => moveLane(1), ",": () => moveBar(-1), ".": () => moveBar(1),
    ArrowUp: () => (box.scrollTop -= 40), ArrowDown: () => (box.scrollTop += 40),
    PageUp: () => (box.scrollTop -= box.clientHeight * 0.8), PageDown: () => (box.scrollTop += box.clientHeight * 0.8),
    Enter: () => selection.bar >= 0 && selectBar(selection.bar, "enter"), Escape: () => select({}, "timeline"),
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
    if (by === "table" && selection.row >= 0) revealRow(selection.row);
    redraw();
  });

  $("zoom-in").addEventListener("click", () => zoom(0.6));
  $("zoom-out").addEventListener("click", () => zoom(1 / 0.6));
  $("fit").addEventListener("click", fit);
  $("by-time").addEventListener("click", () => setAxis("time"));
  $("by-event").addEventListener("click", () => setAxis("event"));

  const layout = () => {
    box.style.height = `${Math.min(lanesHeight + AXIS + 8, Math.max(260, Math.round(window.innerHeight * 0.62)))}px`;
    $("lanes-size").style.height = `${Math.max(lanesHeight + AXIS, box.clientHeight)}px`;
    redraw();
  };

  /* Where the bars in view are drawn, in pixels of the page. */
  const boxes = () => {
    const view = viewNow();
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

  return { state, draw, redraw, layout, fit, zoom, pan, setAxis, setView, reveal, revealBar, revealRow, viewNow, boxes, hit, showDetail };
})();
