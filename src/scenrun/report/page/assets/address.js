/* The page's address says what is in view and what is chosen, so that a link opens the page there. */

const address = (() => {
  const WAIT = 250;
  let waiting = 0;

  /* A lane by its kind and name; as it stands in the address, and as somebody may write it. */
  const laneKey = (lane) => `${lane.kind}:${encodeURIComponent(lane.name)}`;
  const decoded = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };

  /* The place as the part of the address behind `#`; nothing while all is as it was at first. */
  const text = () => {
    const { axis, from, to } = range.state;
    const parts = [];
    if (!range.isWhole()) parts.push(axis === "time" ? `t=${Math.floor(from)}..${Math.ceil(to)}ns` : `e=${numberOf(from)}..${numberOf(to)}`);
    else if (axis !== first) parts.push(axis === "time" ? "t=all" : "e=all");
    if (selection.row >= 0) parts.push(`log=${numberAt(rows.at[selection.row])}`);
    else if (selection.line) parts.push(`line=${selection.line}`);
    if (measured.state.isOn) parts.push(`measured=${measured.state.from.toFixed(2)}..${measured.state.to.toFixed(2)}`);
    if (pins.chosen.length) parts.push(`pin=${pins.chosen.map(laneKey).join(",")}`);
    if (criticalPath.state.isOn) parts.push("path=on");
    return parts.join("&");
  };
  const first = range.state.axis;

  const write = () => {
    const place = text();
    const now = location.hash.slice(1);
    if (place === now || (!place && !now.includes("="))) return;
    history.replaceState(null, "", place ? `#${place}` : location.href.split("#")[0]);
  };
  const moved = () => {
    clearTimeout(waiting);
    waiting = setTimeout(write, WAIT);
  };

  const rangeIn = (words) => {
    const [, from, to] = /^(-?[\d.]+?)\.\.(-?[\d.]+?)(?:ns)?$/.exec(words) || [];
    return from !== undefined && Number.isFinite(Number(from)) && Number(to) > Number(from) ? [Number(from), Number(to)] : null;
  };

  /* A place between lines by the number of the line in the log, and back: lines that are missing have numbers, but no places. */
  const numberOf = (at) => (numberAt(Math.floor(at)) + (at % 1)).toFixed(2);
  const placeOf = (number) => firstIndex(data.count + 1, (place) => numberAt(place) >= Math.floor(number)) + (number % 1);

  /* The row with a number of the log. */
  const rowOf = (number) => {
    const row = firstIndex(rows.count, (i) => numberAt(rows.at[i]) >= number);
    return row < rows.count && numberAt(rows.at[row]) === number ? row : -1;
  };

  /* Shows the place that the address names; what it does not know of is passed over. */
  const restore = () => {
    const named = new Map(location.hash.slice(1).split("&").filter((part) => part.includes("=")).map((part) => [part.split("=")[0], part.slice(part.indexOf("=") + 1)]));
    if (!named.size) return;
    const wanted = new Set((named.get("pin") || "").split(",").filter(Boolean).map(decoded));
    timeline.setPins(builtLanes.filter((lane) => lane.kind !== "head" && wanted.has(`${lane.kind}:${lane.name}`)));
    criticalPath.toggle(named.get("path") === "on");
    if (named.has("e")) range.setAxis("event");
    else if (named.has("t")) range.setAxis("time");
    const row = named.has("log") ? rowOf(Number(named.get("log"))) : -1;
    const line = Number(named.get("line"));
    if (row >= 0) selectRow(row, "address");
    else if (line >= 1 && line <= data.text.length) selectLine(line, "address");
    const there = named.has("e") ? rangeIn(named.get("e"))?.map(placeOf) : rangeIn(named.get("t") || "");
    if (there) range.set(...there);
    else range.fit();
    const length = rangeIn(named.get("measured") || "");
    if (length) measured.set(...length);
  };

  /* Copies a link to this place; where that is not allowed, the address is there to be copied. */
  const copy = async () => {
    write();
    const button = $("link");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "copied";
    } catch {
      button.textContent = "it is the address";
    }
    setTimeout(() => (button.textContent = "copy link"), 1800);
  };

  range.listeners.push(moved);
  selection.listeners.push(moved);
  window.addEventListener("hashchange", restore);
  $("link").addEventListener("click", copy);
  return { restore, moved, text };
})();
