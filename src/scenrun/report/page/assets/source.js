/* The scenario's text: its lines tell what they did, and are marked when something else is chosen. */

const source = (() => {
  const MOST_INDENT = 24;
  const list = $("text");
  const items = [];
  const reached = new Map(data.reached); // of the whole log, also where the table leaves lines out
  const missed = new Set(data.steps.filter((line) => !reached.has(line)));
  const most = Math.max(1, ...reached.values());
  let current = 0;

  /* How much of the log is about a line: on a logarithmic scale, as a loop's steps are done a thousand times. */
  const heat = (number) => {
    const share = reached.has(number) ? 0.15 + 0.85 * (Math.log1p(reached.get(number)) / Math.log1p(most)) : 0;
    const bar = el("span", { class: `heat${missed.has(number) ? " missed" : ""}`, "aria-hidden": "true" });
    bar.style.setProperty("--heat", share.toFixed(3));
    return bar;
  };

  const title = (number) => {
    if (reached.has(number)) return `${plural(reached.get(number), "line")} of the log`;
    return missed.has(number) ? "no thread came here in this run" : null;
  };

  const build = () => {
    const inner = el("div", { class: "text-inner", role: "presentation" });
    const state = syntax.begin();
    data.text.forEach((line, i) => {
      const number = i + 1;
      const item = el(
        "div",
        { class: `code${told.has(number) ? " told" : ""}`, role: "option", id: `line-${number}`, "aria-selected": "false", title: title(number) },
        heat(number),
        el("span", { class: "number" }, String(number)),
        el("bdi", {}, line ? syntax.partsOf(line, state).map(([kind, text]) => (kind ? el("span", { class: `yaml-${kind}` }, text) : text)) : " "),
      );
      item.lastChild.style.setProperty("--indent", `${Math.min(MOST_INDENT, syntax.indentOf(line))}ch`);
      items.push(item);
      inner.append(item);
    });
    list.replaceChildren(inner);
    if (!data.text.some((line) => line)) $("source").hidden = true;
    const hints = [...(told.size ? ["choose a line to see what it did"] : []), ...(missed.size ? [`${plural(missed.size, "line")} not reached`] : [])];
    $("source-hint").textContent = hints.join(" · ");
  };

  const mark = (scroll) => {
    for (const item of list.querySelectorAll(".marked")) {
      item.classList.remove("marked");
      item.setAttribute("aria-selected", "false");
    }
    const item = items[selection.line - 1];
    if (!item) return;
    item.classList.add("marked");
    item.setAttribute("aria-selected", "true");
    if (scroll) show(item);
    moveTo(selection.line);
  };

  const show = (item) => {
    const top = item.offsetTop - list.offsetTop;
    const isIn = top >= list.scrollTop && top + item.offsetHeight <= list.scrollTop + list.clientHeight;
    if (!isIn) list.scrollTop = top - list.clientHeight / 3;
  };

  const moveTo = (number) => {
    if (!items[number - 1]) return;
    items[current - 1]?.classList.remove("current");
    current = number;
    if (document.activeElement === list) items[current - 1].classList.add("current");
    list.setAttribute("aria-activedescendant", `line-${current}`);
  };

  list.addEventListener("click", (event) => {
    const item = event.target.closest(".code");
    if (!item) return;
    const number = items.indexOf(item) + 1;
    selectLine(selection.line === number && selection.bar < 0 && selection.row < 0 ? 0 : number, "source");
  });
  list.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -items.length, End: items.length };
    if (steps[event.key]) {
      moveTo(Math.max(1, Math.min(items.length, current + steps[event.key])));
      show(items[current - 1]);
    } else if (event.key === "Enter" && current) selectLine(current, "source");
    else if (event.key === "Escape") select({}, "source");
    else return;
    event.preventDefault();
  });
  list.addEventListener("focus", () => moveTo(current || 1));
  list.addEventListener("blur", () => items[current - 1]?.classList.remove("current"));
  selection.listeners.push((by) => mark(by !== "source"));
  return { build };
})();
