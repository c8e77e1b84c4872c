/* What the page holds: the lines, bars and names of one run, out of the columns in which they were written. */

const data = JSON.parse(document.getElementById("data").textContent);

const sums = (differences) => {
  let sum = 0;
  return Float64Array.from(differences, (difference) => (sum += difference));
};

const rows = {
  count: data.lines.t.length,
  at: sums(data.lines.at),
  t: sums(data.lines.t),
  event: data.lines.event,
  thread: data.lines.thread,
  object: data.lines.object,
  step: data.lines.step,
  level: data.lines.level,
  line: data.lines.line,
  detail: data.lines.detail,
};

const bars = { ...data.bars, size: data.bars.t.length };
const whatNames = data.bars.whats;

/* The first index from which on `holds` is true, of an array that is false first and true later. */
const firstIndex = (count, holds) => {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
};

/* The row of the line at a place of the log, -1 where the page does not have it. */
const rowAt = (place) => {
  const row = firstIndex(rows.count, (i) => rows.at[i] >= place);
  return row < rows.count && rows.at[row] === place ? row : -1;
};

/* The number that the line at a place has in the log. */
const numberAt = (place) => {
  const jump = data.jumps[firstIndex(data.jumps.length, (i) => data.jumps[i][0] > place) - 1];
  return jump ? jump[1] + place - jump[0] : place;
};

/* The lane of a thread: its own number, or beyond those of all threads, that of the worker which runs it as a task. */
const laneNumber = (thread) => (data.workers[thread] >= 0 ? data.threads.length + data.workers[thread] : thread);
const isWorker = (number) => number >= data.threads.length;
const laneName = (number) => (isWorker(number) ? data.worker_names[number - data.threads.length] : data.threads[number]);

const nameOf = (names, number) => (number >= 0 ? names[number] : "");
const threadOf = (row) => nameOf(data.threads, rows.thread[row]);
const objectOf = (row) => nameOf(data.objects, rows.object[row]);
const eventOf = (row) => data.lines.events[rows.event[row]];
const levelOf = (row) => nameOf(data.lines.levels, rows.level[row]);
const detailOf = (row) => data.lines.details[rows.detail[row]];
const isLoud = (row) => ["warning", "error", "critical"].includes(levelOf(row));

/* How many lines of the log tell of each line of the scenario. */
const told = new Map();
for (const line of rows.line) if (line) told.set(line, (told.get(line) || 0) + 1);

/* What is selected: nothing, a `bar`, a `row`, or a `line` of the scenario; those who show it listen. */
const selection = { bar: -1, row: -1, line: 0, listeners: [] };
const select = (chosen, by = "") => {
  Object.assign(selection, { bar: -1, row: -1, line: 0 }, chosen);
  for (const listener of selection.listeners) listener(by);
};
const selectBar = (bar, by) => select({ bar, row: rowAt(bars.at[bar]), line: bars.line[bar] }, by);
const selectRow = (row, by) => select({ row, line: rows.line[row] }, by);
const selectLine = (line, by) => select({ line }, by);
