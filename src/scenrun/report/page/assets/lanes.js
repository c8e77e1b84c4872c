/* Lanes from top to bottom: one for each thread or worker of a pool, on which its tasks are bars, then one for each lock, then one for each queue. A few objects stand
   above very many threads, where they are in sight. */

const STATES = ["sleeping", "working", "calling", "waiting"];
const STRIPS = ["holding", "inside"];
const HEAD = 26;
const MOST_LEVELS = 4;
const MOST_ABOVE = 10;
const laneCount = new Set(data.threads.map((_, thread) => laneNumber(thread))).size;
const isDense = laneCount > 40;
const SIZES = isDense ? { bar: 10, strip: 3, gap: 2 } : { bar: 18, strip: 5, gap: 5 };

/* Bars by a number of theirs, such as the lane. */
const grouped = (numberOf, members) => {
  const groups = new Map();
  for (const bar of members) {
    const key = numberOf(bar);
    if (key < 0) continue;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(bar);
  }
  return groups;
};

const barsOf = (...kinds) => {
  const wanted = new Set(kinds.map((kind) => whatNames.indexOf(kind)));
  const found = [];
  for (let bar = 0; bar < bars.size; bar++) if (wanted.has(bars.what[bar])) found.push(bar);
  return found;
};

/* Bars that overlap go to different levels; beyond the most they share the last one. */
const levelled = (members) => {
  const inOrder = [...members].sort((a, b) => bars.at[a] - bars.at[b] || bars.t[a] - bars.t[b]);
  const ends = [];
  const levels = [];
  for (const bar of inOrder) {
    let level = ends.findIndex((end) => end <= bars.at[bar]);
    if (level < 0) level = Math.min(ends.length, MOST_LEVELS - 1);
    ends[level] = Math.max(ends[level] || 0, bars.at[bar] + bars.places[bar]);
    (levels[level] ||= []).push(bar);
  }
  return levels;
};

const threadLane = (number, states, strips) => {
  const tracks = [];
  for (const kind of isWorker(number) ? ["alive", ...STATES] : ["alive", "queued", ...STATES]) {
    const members = states.get(number)?.filter((bar) => whatNames[bars.what[bar]] === kind);
    if (members?.length) tracks.push(makeTrack(kind, -1, members));
  }
  const levels = levelled(strips.get(number) || []);
  levels.forEach((members, level) => tracks.push(makeTrack("strip", level, members)));
  const height = SIZES.gap * 2 + SIZES.bar + levels.length * (SIZES.strip + 1);
  return { kind: "thread", number, name: laneName(number), tracks, height, levels: levels.length };
};

const lockLane = (object, members) => {
  const tracks = levelled(members).map((some, level) => makeTrack("owner", level, some));
  return {
    kind: "lock", number: object, name: data.objects[object], tracks, levels: tracks.length,
    height: SIZES.gap * 2 + tracks.length * (SIZES.bar + 1) - 1,
  };
};

const depthLane = (series) => ({
  kind: "depth", number: series.object, name: data.objects[series.object], tracks: [], series, height: 52,
  most: Math.max(1, series.size.reduce((a, b) => Math.max(a, b), 0)), capacity: data.capacities[series.object],
});

const withHead = (title, lanes) => (lanes.length ? [{ kind: "head", name: title, tracks: [], height: HEAD }, ...lanes] : []);

const buildLanes = () => {
  const laneOf = (bar) => laneNumber(bars.thread[bar]);
  const states = grouped(laneOf, barsOf("alive", "queued", ...STATES));
  const strips = grouped(laneOf, barsOf(...STRIPS));
  const held = grouped((bar) => bars.object[bar], barsOf("holding"));
  const all = [...new Set(data.threads.map((_, thread) => laneNumber(thread)))];
  const shown = all.filter((number) => states.has(number) || strips.has(number));
  const workers = shown.filter(isWorker).length;
  const title = [plural(shown.length - workers, "thread"), ...(workers ? [plural(workers, "worker")] : [])].join(" and ");
  const threads = withHead(title, shown.map((number) => threadLane(number, states, strips)));
  const objects = [
    ...withHead("locks and who holds them", [...held].sort((a, b) => a[0] - b[0]).map(([object, some]) => lockLane(object, some))),
    ...withHead("queues and how full they are", data.depths.map(depthLane)),
  ];
  return isDense && objects.length <= MOST_ABOVE ? [...objects, ...threads] : [...threads, ...objects];
};

/* The lanes from top to bottom: those that are pinned, which stay in sight, and then the others as they were built. */
const builtLanes = buildLanes();
const lanes = [];
const pins = { chosen: [], height: 0 };
let lanesHeight = 0;

const arrange = () => {
  const head = { kind: "head", name: "pinned", tracks: [], height: HEAD };
  const above = pins.chosen.length ? [head, ...pins.chosen] : [];
  lanes.splice(0, lanes.length, ...above, ...builtLanes.filter((lane) => !pins.chosen.includes(lane)));
  lanesHeight = 0;
  for (const lane of lanes) {
    lane.top = lanesHeight;
    lane.isPinned = above.includes(lane);
    lanesHeight += lane.height;
  }
  pins.height = above.reduce((sum, lane) => sum + lane.height, 0);
};
arrange();
const laneByNumber = new Map(builtLanes.filter((lane) => lane.kind === "thread").map((lane) => [lane.number, lane]));
const laneOfThread = { get: (thread) => (thread < 0 ? undefined : laneByNumber.get(laneNumber(thread))) };

/* The lane at a height, and where in a lane the tracks of a level lie. */
const laneAt = (y) => (y < 0 || y >= lanesHeight ? null : lanes[firstIndex(lanes.length, (i) => lanes[i].top > y) - 1]);
const trackBox = (lane, track) => {
  if (track.what === "strip") return { y: SIZES.gap + SIZES.bar + 1 + track.level * (SIZES.strip + 1), height: SIZES.strip };
  if (track.what === "owner") return { y: SIZES.gap + track.level * (SIZES.bar + 1), height: SIZES.bar };
  return { y: SIZES.gap, height: SIZES.bar };
};
