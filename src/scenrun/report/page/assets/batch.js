/* Paints the bars of all lanes in sight together: those of a kind at once, and narrow ones as pixels, as they may be very many. */

const NARROW = 3;

/* Pixels that are put over the canvas in one go. */
const pixels = (() => {
  const surface = document.createElement("canvas");
  const c = surface.getContext("2d");
  let image = null;
  let words = null;
  let isUsed = false;
  let ratio = 1;
  let [low, high] = [0, 0];
  const clear = (width, height) => {
    ratio = window.devicePixelRatio || 1;
    if (!image || surface.width !== width || surface.height !== height) {
      [surface.width, surface.height] = [width, height];
      image = c.createImageData(width, height);
      words = new Uint32Array(image.data.buffer);
      [low, high] = [0, 0];
    }
    if (high > low) words.fill(0, low * width, high * width);
    [low, high] = [height, 0];
    isUsed = false;
  };
  const fill = (x, y, wide, tall, word) => {
    const { width, height } = surface;
    const [left, right] = [Math.max(0, Math.round(x * ratio)), Math.min(width, Math.round((x + wide) * ratio))];
    const [top, bottom] = [Math.max(0, Math.round(y * ratio)), Math.min(height, Math.round((y + tall) * ratio))];
    if (right <= left || bottom <= top) return;
    isUsed = true;
    low = Math.min(low, top);
    high = Math.max(high, bottom);
    for (let row = top * width; row < bottom * width; row += width) {
      for (let at = row + left; at < row + right; at++) words[at] = word;
    }
  };
  const flush = (target) => {
    if (!isUsed) return;
    c.putImageData(image, 0, 0, 0, low, surface.width, high - low);
    const height = high - low;
    target.drawImage(surface, 0, low, surface.width, height, 0, low / ratio, surface.width / ratio, height / ratio);
  };
  return { clear, fill, flush };
})();

/* The colours of a kind as the pixels have them: of narrow bars, of those that are not meant, and of shares of a column. */
const wordsOf = (kind) => (paints.words[kind] ||= (() => {
  const name = NAMED[kind] || kind;
  const isAlive = kind === "alive";
  const parts = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  const word = (one, other, share) => {
    const ground = parts(colour(other));
    const [red, green, blue] = parts(colour(one)).map((part, i) => Math.round(part * share + ground[i] * (1 - share)));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  };
  const [one, other] = isAlive ? [name, "ground"] : [`${name}-ink`, name];
  return { narrow: word(one, other, isAlive ? 1 : 0.6), dimmed: word(one, other, isAlive ? 0.4 : 0.3), share: word(one, other, 1) };
})());

const makeBatch = (view) => {
  const groups = new Map();
  const marks = [];
  const labels = [];
  const edges = [];
  const heights = new Float32Array(Math.max(1, Math.ceil(view.right - view.left) + 2));
  let shared = 0;

  const groupOf = (kind, dimmed) => {
    const key = dimmed ? `${kind} dimmed` : kind;
    if (!groups.has(key)) groups.set(key, { kind, dimmed, rects: [] });
    return groups.get(key).rects;
  };

  /* A bar as high as its share of the time where it stands for several. */
  const bar = (number, kind, x, y, wide, height) => {
    const share = bars.count[number] > 1 ? Math.max(0.15, bars.busy[number] / Math.max(1, bars.lasted[number])) : 1;
    const high = Math.max(1, Math.round(height * Math.min(1, share)));
    const left = Math.round(x);
    const width = Math.max(1, Math.round(x + wide) - left);
    const top = Math.round(y + height) - high;
    if (width < NARROW) pixels.fill(left, top, width, high, isDimmed(number) ? wordsOf(kind).dimmed : wordsOf(kind).narrow);
    else groupOf(kind, isDimmed(number)).push(left, top, width, high);
    if (isMarked(number) && kind !== "alive") marks.push([number, left, top, width, high]);
  };

  const lane = (one, view_, top) => {
    heights.fill(0);
    for (const track of one.tracks) {
      const box = trackBox(one, track);
      const y = top + box.y;
      const isMixed = track.what === "strip" || track.what === "owner";
      const stacks = !isMixed && track.what !== "alive";
      const isTask = track.what === "alive" && isWorker(one.number);
      visit(
        track, view_.axis, view_,
        (number, begin, end) => {
          const x = Math.max(view_.left - 2, view_.x(begin));
          const width = Math.min(view_.right + 2, view_.x(end)) - x;
          const kind = isMixed ? kindOf(number) : track.what;
          bar(number, kind, x, y, width, box.height);
          if (isTask && width >= 2 * NARROW) edges.push(Math.round(x), y - 2, box.height + 4);
          if (box.height >= 14 && width >= 32) labels.push([labelOf(number, track.what), x, width, y + box.height / 2, kind === "alive" ? "ground" : NAMED[kind] || kind]);
        },
        (column, share, first, last, members) => {
          shared += last - first;
          const kind = isMixed ? kindOf(members[first]) : track.what;
          const base = stacks ? heights[column] || 0 : 0;
          const high = Math.min(box.height - base, Math.max(2, share * box.height));
          if (stacks) heights[column] = base + high;
          if (high > 0) pixels.fill(view_.left + column, y + box.height - base - high, 1, high, wordsOf(kind).share);
        },
      );
    }
  };

  const rectsAs = (rects, width) => {
    const path = new Path2D();
    for (let i = 0; i < rects.length; i += 4) path.rect(rects[i], rects[i + 1], width || rects[i + 2], rects[i + 3]);
    return path;
  };

  const paint = (c) => {
    const inOrder = [...groups.values()].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
    for (const { kind, dimmed, rects } of inOrder) {
      c.globalAlpha = dimmed ? 0.4 : 1;
      c.fillStyle = patternOf(c, kind);
      c.fill(rectsAs(rects));
      c.fillStyle = colour(`${NAMED[kind] || kind}-ink`);
      c.globalAlpha *= 0.55;
      c.fill(rectsAs(rects, 1));
    }
    c.globalAlpha = 1;
    pixels.flush(c);
    c.fillStyle = colour("ink");
    for (let i = 0; i < edges.length; i += 3) c.fillRect(edges[i], edges[i + 1], 1, edges[i + 2]);
    c.lineWidth = 1.5;
    for (const [number, x, y, width, height] of marks) {
      c.strokeStyle = colour(number === selection.bar ? "ink" : "mark-rule");
      c.strokeRect(x + 0.25, y + 0.25, Math.max(1, width - 0.5), height - 0.5);
    }
    for (const [text, x, width, middle, ground] of labels) paintLabel(c, text, x, width, middle, colour(ground));
  };

  return { lane, paint, shared: () => shared };
};
