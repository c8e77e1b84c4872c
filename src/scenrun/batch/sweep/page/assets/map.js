/* Draws a heat map as a table: a place for each combination of two parameters, as dark as its mean is high. */

const MOST_DOWN = 64, MOST_ACROSS = 64, MOST_WITH_NUMBERS = 12;

const drawMap = (place, note, chosen, tell) => {
  const { x, series, figure, fixed } = chosen;
  place.replaceChildren();
  const across = occurring(x), down = occurring(series);
  const columns = spread(across, MOST_ACROSS), rows = spread(down, MOST_DOWN);
  const found = new Map();
  for (const at of matching(fixed)) {
    const point = pointOf(figure, at);
    if (point) found.set(`${data.parameters[series].at[at]} ${data.parameters[x].at[at]}`, point);
  }
  const isDense = columns.length > MOST_WITH_NUMBERS;
  const means = [...found.values()].map((one) => one.mean);
  const low = Math.min(...means), high = Math.max(...means), digits = digitsFor(low, high);
  const body = rows.map((row) => element("tr", {},
    element("th", { class: "side", scope: "row" }, nameOf(series, row)),
    ...columns.map((column) => cellOf(found.get(`${row} ${column}`), low, high, digits, tell, isDense,
      `${data.parameters[series].name} ${nameOf(series, row)}, ${data.parameters[x].name} ${nameOf(x, column)}`))));
  place.append(element("table", { class: isDense ? "heat dense" : "heat" },
    element("thead", {},
      element("tr", {}, element("th", { class: "side" }, `${data.parameters[series].name} ↓`), element("th", { colspan: columns.length, scope: "colgroup" }, data.parameters[x].name)),
      element("tr", {}, element("td", {}), ...headsOf(columns, x, isDense))),
    element("tbody", {}, ...body)));
  walkable(place);
  const cuts = [[across, columns, x], [down, rows, series]].filter(([all, shown]) => shown.length < all.length)
    .map(([all, shown, parameter]) => `${shown.length} of the ${all.length} values of ${data.parameters[parameter].name}`);
  const isMarked = [...found.values()].some((one) => data.failing_runs[one.at]);
  note.textContent = [`${short(low, digits)} to ${short(high, digits)}, the more colour the higher`,
    isMarked ? "framed: runs that are not as expected" : "", cuts.length ? `shown: ${cuts.join(", ")}` : ""].filter(Boolean).join("; ");
};

/* One place of the map takes the focus; arrows move it. */
const walkable = (place) => {
  const grid = [...place.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("button")]);
  for (const button of grid.flat()) button.tabIndex = -1;
  const first = grid.flat().find((button) => !button.disabled);
  if (first) first.tabIndex = 0;
  place.onkeydown = (event) => {
    const by = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    let row = grid.findIndex((line) => line.includes(document.activeElement));
    if (!by || row < 0) return;
    event.preventDefault();
    let column = grid[row].indexOf(document.activeElement);
    do { row += by[0]; column += by[1]; } while (grid[row]?.[column]?.disabled);
    const next = grid[row]?.[column];
    if (!next) return;
    document.activeElement.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
};

/* Where there is little room a head stands for several columns. */
const headsOf = (columns, x, isDense) => {
  const every = isDense ? Math.ceil(columns.length / MOST_WITH_NUMBERS) : 1;
  return columns.filter((_, at) => at % every === 0).map((column, at) =>
    element("th", { scope: "colgroup", colspan: Math.min(every, columns.length - at * every) }, nameOf(x, column)));
};

const cellOf = (point, low, high, digits, tell, isDense, words) => {
  if (!point) return element("td", {}, element("button", { type: "button", disabled: "", "aria-label": `${words}: nothing` }, isDense ? "" : "–"));
  const share = high - low > 0.005 * Math.max(Math.abs(low), Math.abs(high)) ? (point.mean - low) / (high - low) : 0.5;
  const bad = data.failing_runs[point.at] > 0;
  const button = element("button", {
    type: "button", "aria-label": `${words}: ${short(point.mean, digits)}${bad ? ", not as expected" : ""}`,
    onfocus: () => tell(point.at), onpointerenter: () => tell(point.at), onclick: () => tell(point.at),
  }, isDense ? "" : short(point.mean, digits));
  const cell = element("td", { class: bad ? "bad" : "" }, button);
  cell.style.background = `rgba(var(--heat), ${(0.06 + 0.44 * share).toFixed(3)})`;
  return cell;
};
