/* Draws a heat map as a table: a place for each combination of two parameters, as dark as its mean is high. */

const MOST_DOWN = 100, MOST_ACROSS = 100;

const drawMap = (place, note, chosen, tell) => {
  const { x, series, figure, fixed } = chosen;
  place.replaceChildren();
  const across = occurring(x), down = occurring(series);
  const columns = across.slice(0, MOST_ACROSS), rows = down.slice(0, MOST_DOWN);
  const found = new Map();
  for (const at of matching(fixed)) {
    const point = pointOf(figure, at);
    if (point) found.set(`${data.parameters[series].at[at]} ${data.parameters[x].at[at]}`, point);
  }
  const means = [...found.values()].map((one) => one.mean);
  const low = Math.min(...means), high = Math.max(...means), digits = digitsFor(low, high);
  const body = rows.map((row) => element("tr", {},
    element("th", { class: "side", scope: "row" }, nameOf(series, row)),
    ...columns.map((column) => cellOf(found.get(`${row} ${column}`), low, high, digits, tell,
      `${data.parameters[series].name} ${nameOf(series, row)}, ${data.parameters[x].name} ${nameOf(x, column)}`))));
  place.append(element("table", { class: "heat" },
    element("thead", {},
      element("tr", {}, element("th", { class: "side" }, `${data.parameters[series].name} ↓`), element("th", { colspan: columns.length, scope: "colgroup" }, data.parameters[x].name)),
      element("tr", {}, element("th", {}), ...columns.map((column) => element("th", { scope: "col" }, nameOf(x, column))))),
    element("tbody", {}, ...body)));
  const cuts = [[across, columns, x], [down, rows, series]].filter(([all, shown]) => shown.length < all.length)
    .map(([all, shown, parameter]) => `the first ${shown.length} of ${all.length} values of ${data.parameters[parameter].name}`);
  const isMarked = [...found.values()].some((one) => data.failing_runs[one.at]);
  note.textContent = [`${short(low, digits)} to ${short(high, digits)}, the more colour the higher`,
    isMarked ? "framed: runs that are not as expected" : "", cuts.length ? `shown: ${cuts.join(", ")}` : ""].filter(Boolean).join("; ");
};

const cellOf = (point, low, high, digits, tell, words) => {
  if (!point) return element("td", {}, element("button", { type: "button", disabled: "", "aria-label": `${words}: nothing` }, "–"));
  const share = high - low > 0.005 * Math.max(Math.abs(low), Math.abs(high)) ? (point.mean - low) / (high - low) : 0.5;
  const bad = data.failing_runs[point.at] > 0;
  const button = element("button", {
    type: "button", "aria-label": `${words}: ${short(point.mean, digits)}${bad ? ", not as expected" : ""}`,
    onfocus: () => tell(point.at), onpointerenter: () => tell(point.at), onclick: () => tell(point.at),
  }, short(point.mean, digits));
  const cell = element("td", { class: bad ? "bad" : "" }, button);
  cell.style.background = `rgba(var(--heat), ${(0.06 + 0.44 * share).toFixed(3)})`;
  return cell;
};
