/* Lists of very many rows, of which only those in sight exist; and the table of the log's lines, which is one. */

/* Shows `count()` rows of a fixed height in `body`; `make(i)` gives the element of one. */
const longList = (body, height, count_, make) => {
  const size = el("div", { class: "grid-size", role: "presentation" });
  body.append(size);
  const shown = new Map();
  const draw = () => {
    const total = count_();
    const first = Math.max(0, Math.floor(body.scrollTop / height) - 6);
    const last = Math.min(total, Math.ceil((body.scrollTop + body.clientHeight) / height) + 6);
    for (const [i, node] of shown) {
      if (i >= first && i < last) continue;
      node.remove();
      shown.delete(i);
    }
    for (let i = first; i < last; i++) {
      if (shown.has(i)) continue;
      const node = make(i);
      node.style.top = `${i * height}px`;
      shown.set(i, node);
      size.append(node);
    }
  };
  const reset = () => {
    size.style.height = `${count_() * height}px`;
    for (const node of shown.values()) node.remove();
    shown.clear();
    draw();
  };
  const show = (i) => {
    const top = i * height;
    if (top < body.scrollTop || top + height > body.scrollTop + body.clientHeight) body.scrollTop = top - body.clientHeight / 3;
    draw();
  };
  body.addEventListener("scroll", draw, { passive: true });
  return { reset, draw, show, shown };
};

const table = (() => {
  /* Each column: its head, its style, its width, and what it says of a row. One that says nothing of any row is left out. */
  const COLUMNS = [
    ["#", "number muted wide", "56px", (row) => count(numberAt(rows.at[row]))],
    [`time, ${column.unit}`, "number", "88px", (row) => column.text(rows.t[row])],
    ["thread", "", "104px", threadOf],
    ["event", "event", "136px", eventOf],
    ["object", "wide", "104px", objectOf, () => rows.object.some((object) => object >= 0)],
    ["says", "mono", "minmax(80px, 1fr)", (row) => cut(detailOf(row), 300)],
    ["line", "number muted wide", "40px", (row) => (rows.line[row] ? String(rows.line[row]) : ""), () => told.size > 0],
  ].filter(([, , , , isTold]) => !isTold || isTold());
  let found = null;
  let list = null;
  const body = el("div", { class: "grid-body", tabindex: "0", role: "rowgroup", "aria-label": "Lines of the log" });
  const grid = el("div", { class: "grid", role: "grid", "aria-label": "Lines of the log", "aria-readonly": "true" });

  const rowOf = (i) => (found ? found[i] : i);
  const total = () => (found ? found.length : rows.count);
  const indexOf = (row) => {
    if (!found) return row;
    const i = firstIndex(found.length, (k) => found[k] >= row);
    return found[i] === row ? i : -1;
  };

  const cell = (text, name) => el("span", { role: "gridcell", class: name }, bdi(text));
  const makeRow = (i) => {
    const row = rowOf(i);
    const node = el(
      "div", { class: "grid-row", role: "row", id: `row-${row}`, "aria-rowindex": String(i + 2) },
      COLUMNS.map(([, style, , textOf]) => cell(textOf(row), style)),
    );
    if (isLoud(row)) node.classList.add("loud");
    dress(node, row);
    node.addEventListener("click", () => selectRow(row, "table"));
    return node;
  };
  const dress = (node, row) => {
    const inBar = selection.bar >= 0 && rows.at[row] >= bars.at[selection.bar] && rows.at[row] <= bars.at[selection.bar] + bars.places[selection.bar] && rows.thread[row] === bars.thread[selection.bar];
    const ofLine = selection.bar < 0 && selection.row < 0 && selection.line > 0 && rows.line[row] === selection.line;
    node.classList.toggle("marked", inBar || ofLine);
    node.classList.toggle("current", row === selection.row);
    node.setAttribute("aria-selected", String(row === selection.row));
  };

  /* Words must all occur; `thread:`, `object:`, `event:`, `line:` look at one column. */
  const FIELDS = { thread: threadOf, object: objectOf, event: eventOf, level: levelOf, says: detailOf };
  const testOf = (word) => {
    const [, field, rest] = /^(\w+):(.*)$/.exec(word) || [];
    if (field === "line" && rest) return (row) => String(rows.line[row]) === rest;
    if (FIELDS[field] && rest) return (row) => FIELDS[field](row).toLowerCase().includes(rest);
    return (row) => `${eventOf(row)}\n${threadOf(row)}\n${objectOf(row)}\n${detailOf(row)}`.toLowerCase().includes(word);
  };

  const filter = () => {
    const tests = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean).map(testOf);
    const thread = $("filter-thread").value;
    const level = $("filter-level").value;
    if (thread !== "") tests.unshift((row) => rows.thread[row] === Number(thread));
    if (level !== "") tests.unshift((row) => levelsFrom(level).has(rows.level[row]));
    found = null;
    if (tests.length) {
      found = [];
      for (let row = 0; row < rows.count; row++) if (tests.every((test) => test(row))) found.push(row);
    }
    body.scrollTop = 0;
    sayCount();
    list.reset();
  };
  const ORDER = ["debug", "info", "warning", "error", "critical"];
  const levelsFrom = (level) => new Set(ORDER.slice(ORDER.indexOf(level)).map((name) => data.lines.levels.indexOf(name)));
  const sayCount = () => {
    grid.setAttribute("aria-rowcount", String(total() + 1));
    $("lines-count").textContent = found ? `${count(found.length)} of ${count(rows.count)}` : count(rows.count) + (data.lines.left_out ? ` of ${count(data.count)}` : "");
  };

  const move = (by) => {
    if (!total()) return;
    const now = selection.row >= 0 ? indexOf(selection.row) : -1;
    const next = Math.max(0, Math.min(total() - 1, now + by));
    selectRow(rowOf(next), "table");
    list.show(next);
    body.setAttribute("aria-activedescendant", `row-${rowOf(next)}`);
  };

  const build = () => {
    $("table").replaceChildren(grid);
    grid.style.setProperty("--columns", COLUMNS.map(([, , width]) => width).join(" "));
    grid.append(el("div", { class: "grid-head", role: "row" }, COLUMNS.map(([name, style]) => el("span", { role: "columnheader", class: style.replace("number", "right").replace("mono", "") }, name))), body);
    $("filter-thread").append(el("option", { value: "" }, "all threads"), ...data.threads.map((name, i) => el("option", { value: i }, cut(name, 60))));
    $("filter-level").append(el("option", { value: "" }, "all levels"), ...["info", "warning", "error"].map((name) => el("option", { value: name }, name === "error" ? "errors only" : `${name} and above`)));
    list = longList(body, 24, total, makeRow);
    body.style.height = `${Math.max(120, Math.min(400, rows.count * 24 + 2))}px`;
    sayCount();
    list.reset();
  };

  let waiting = 0;
  $("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, rows.count > 20000 ? 150 : 0);
  });
  $("filter-thread").addEventListener("change", filter);
  $("filter-level").addEventListener("change", filter);
  body.addEventListener("keydown", (event) => {
    const page = Math.floor(body.clientHeight / 24) - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -rows.count, End: rows.count };
    if (!steps[event.key]) return;
    move(steps[event.key]);
    event.preventDefault();
  });
  selection.listeners.push((by) => {
    if (!list) return;
    const target = selection.row >= 0 ? selection.row : selection.line ? firstOfLine(selection.line) : -1;
    if (by !== "table" && target >= 0 && indexOf(target) >= 0) list.show(indexOf(target));
    for (const [i, node] of list.shown) dress(node, rowOf(i));
  });
  const firstOfLine = (line) => rows.line.findIndex((one, row) => one === line && indexOf(row) >= 0);

  return { build, filter, total, redraw: () => list.draw(), rows: () => [...list.shown].sort((a, b) => a[0] - b[0]).map(([i]) => rowOf(i)) };
})();
