/* Arrows from whoever let a thread go on: all of them where they are few, otherwise those of what is pointed at or chosen. */

const arrows = (() => {
  const begins = new Set(["alive", "queued"]);
  const causes = [];
  for (let bar = 0; bar < bars.size; bar++) if (bars.by[bar] >= 0 && laneNumber(bars.by[bar]) !== laneNumber(bars.thread[bar])) causes.push(bar);

  /* Where arrows begin and end on an axis. A hand-over is where its arrow ends: the cause may be long before. */
  const ends = {
    time: { begin: (bar) => bars.by_t[bar], end: (bar) => bars.t[bar] + (begins.has(kindOf(bar)) ? 0 : bars.lasted[bar]) },
    event: { begin: (bar) => bars.by_at[bar], end: (bar) => bars.at[bar] + (begins.has(kindOf(bar)) ? 0 : bars.places[bar]) },
  };
  const axisOf = ({ end }) => ({ begin: end, length: () => 0 });
  const track = makeTrack("arrows", 0, causes, { time: axisOf(ends.time), event: axisOf(ends.event) });

  /* The causes of one thread, in the order of the log. */
  let byThread = null;
  const from = (thread, first, last) => {
    byThread ||= grouped((bar) => bars.by[bar], [...causes].sort((a, b) => bars.by_at[a] - bars.by_at[b]));
    const all = byThread.get(thread) || [];
    return all.slice(firstIndex(all.length, (i) => bars.by_at[all[i]] >= first), firstIndex(all.length, (i) => bars.by_at[all[i]] > last));
  };

  /* Those that end a bar, begin it, or come from what its thread did meanwhile. */
  const ofBar = (bar, most) => {
    const own = bars.by[bar] >= 0 ? [bar] : [];
    const others = from(bars.thread[bar], bars.at[bar], bars.at[bar] + bars.places[bar]);
    return others.length > most ? own : [...own, ...others];
  };
  const ofFound = (found, most) => {
    if (!found) return [];
    if (found.bar >= 0) return ofBar(found.bar, most);
    return found.row >= 0 && rows.thread[found.row] >= 0 ? from(rows.thread[found.row], rows.at[found.row], rows.at[found.row]) : [];
  };

  /* The arrows to draw, `strong` ones among them, and how many there are in this range of the axis. */
  const of = (view, hover) => {
    const { members, begins: places } = orderOf(track, view.axis);
    const first = firstIndex(members.length, (i) => places[i] >= view.from);
    const last = firstIndex(members.length, (i) => places[i] > view.to);
    const few = Math.max(8, (view.right - view.left) / 16);
    const strong = new Set([...ofFound(selection, few), ...ofFound(hover, few)]);
    const inRange = Math.max(0, last - first);
    const shown = inRange <= few ? [...members.subarray(first, Math.max(first, last))] : [];
    return { shown: new Set([...shown, ...strong]), strong, inRange, isAll: inRange <= few };
  };

  /* Draws them; returns how many were in sight. */
  const paint = (c, view, drawn, yOfLane, isInSight) => {
    let painted = 0;
    for (const bar of drawn.shown) {
      const [one, other] = [laneOfThread.get(bars.by[bar]), laneOfThread.get(bars.thread[bar])];
      const [begin, end] = [ends[view.axis].begin(bar), ends[view.axis].end(bar)];
      if (!one || !other || end < view.from || begin > view.to || (!isInSight(one) && !isInSight(other))) continue;
      const [top, bottom] = [yOfLane(one) + SIZES.gap, yOfLane(other) + SIZES.gap];
      const isDown = bottom > top;
      paintArrow(c, view.x(begin), top + (isDown ? SIZES.bar : 0), view.x(end), bottom + (isDown ? 0 : SIZES.bar), drawn.strong.has(bar));
      painted += 1;
    }
    return painted;
  };

  /* An arrow from whoever let a thread go on to the end of its wait. */
  const paintArrow = (c, x1, y1, x2, y2, strong) => {
    c.strokeStyle = c.fillStyle = colour(strong ? "ink" : "muted");
    c.globalAlpha = strong ? 1 : 0.7;
    c.lineWidth = strong ? 1.6 : 1;
    const bend = Math.max(6, Math.min(40, Math.abs(y2 - y1) / 3));
    const down = y2 > y1 ? 1 : -1;
    c.beginPath();
    c.moveTo(x1, y1);
    c.bezierCurveTo(x1, y1 + bend * down, x2, y2 - bend * down, x2, y2 - 4 * down);
    c.stroke();
    c.beginPath();
    c.moveTo(x2, y2);
    c.lineTo(x2 - 3, y2 - 6 * down);
    c.lineTo(x2 + 3, y2 - 6 * down);
    c.fill();
    c.globalAlpha = 1;
  };
  
  return { of, paint };
})();
