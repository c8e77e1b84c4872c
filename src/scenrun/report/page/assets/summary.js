/* The summary on top: the verdict, what was found, what was expected, and the figures. */

const summary = (() => {
  const PARTS = [["summary", "Summary"], ["player", "Player"], ["timeline", "Timeline"], ["lines", "Lines"]];

  const header = () => {
    const verdict = data.verdict;
    $("title").replaceChildren(bdi(data.scenario || data.name || "a log"));
    document.title = `${data.scenario || "scenrun"}${verdict ? `: ${verdict.word}` : ""}`;
    $("description").replaceChildren(bdi(data.description));
    const badge = $("verdict");
    badge.textContent = verdict ? verdict.word + (verdict.ok ? (verdict.word === "holds" ? "" : ", as expected") : ", not as expected") : "no end in the log";
    badge.classList.add(verdict ? (verdict.ok ? "good" : "bad") : "bad");
    $("facts").replaceChildren(...facts());
    $("parts").append(...PARTS.filter(([id]) => !$(id).hidden).map(([id, name]) => el("a", { href: `#${id}` }, name)));
  };

  const facts = () => {
    const known = new Map(data.facts);
    const out = [known.get("way") === "run" ? "real threads, wall time" : `${known.get("way") || "?"}, ${data.virtual ? "virtual" : "wall"} time`];
    out.push(`${moment(data.end)}`, plural(data.count, "line"), plural(data.threads.length, "thread"));
    for (const [name, label] of [["seed", "seed"], ["scheduler", "scheduler"], ["python", "Python"], ["scenrun", "scenrun"], ["run", "run"]]) {
      if (known.has(name)) out.push(`${label} ${known.get(name)}`);
    }
    return [out.map((text, i) => [i ? " · " : "", bdi(text)])].flat(2);
  };

  const lineLink = (line) => (line ? el("button", { type: "button", class: "link", onclick: () => selectLine(line, "summary") }, `line ${line}`) : "");

  const findingItem = (finding) => {
    const row = rowAt(finding.at);
    const go = () => {
      if (row >= 0) selectRow(row, "summary");
      timeline.reveal(...Array(2).fill(timeline.state.axis === "time" ? finding.t : finding.at), null);
    };
    return el(
      "div", { class: "finding" },
      el("span", { class: "kind" }, finding.kind), " at ", el("button", { type: "button", class: "link", onclick: go }, moment(finding.t)), ": ",
      bdi(finding.message), " ", finding.threads.length ? "" : lineLink(finding.line),
      el("ul", {}, finding.threads.slice(0, 20).map(stuckItem), finding.threads.length > 20 ? el("li", { class: "muted" }, `and ${count(finding.threads.length - 20)} more`) : ""),
    );
  };

  const stuckItem = (one) => {
    const where = one.operation === "thread.join" ? `waits for ${one.object} to end` : one.operation ? `${one.state} in ${one.operation} of ${one.object}` : one.state;
    const holder = one.held_by.length ? `, held by ${one.held_by.join(", ")}` : "";
    return el("li", {}, bdi(one.name), ": ", bdi(where + holder), " ", one.line ? ["(", lineLink(one.line), ")"] : "");
  };

  const tableOf = (heads, lines, name) =>
    el("div", { class: "scroll held" }, el("table", { "aria-label": name },
      el("thead", {}, el("tr", {}, heads.map((head, i) => el("th", { scope: "col", class: i ? "number" : "" }, head)))),
      el("tbody", {}, lines.map((line) => el("tr", {}, line.map((text, i) => el("td", { class: i ? "number" : "" }, bdi(String(text ?? "")))))))));

  const expectations = () => {
    const lines = data.closing.expectations.map((one) => [one.kind || "", one.expectation || one.text || Object.values(one).join(" ")]);
    return lines.length ? [el("h3", {}, "Expectations"), el("ul", { class: "plain" }, data.closing.expectations.map((one) => el("li", {}, bdi(expectation(one)))))] : [];
  };
  const expectation = (one) => Object.entries(one).map(([key, text]) => `${key}: ${text}`).join(", ");

  const state = () => (data.closing.state.length ? [el("h3", {}, "Shared variables at the end"), tableOf(["name", "value"], data.closing.state, "Shared variables at the end")] : []);

  const block = (title, ...content) => el("div", {}, el("h3", {}, title), content);

  const threadFigures = (threads) => {
    const lines = Object.entries(threads).map(([name, one]) => [name, ...["lived_s", "waited_s", "slept_s", "worked_s"].map((key) => seconds(one?.[key] ?? "")), one?.messages]);
    return lines.length ? block("Threads", tableOf(["thread", "lived", "waited", "slept", "worked", "messages"], lines, "Threads")) : "";
  };

  const objectFigures = (objects) => {
    const lines = Object.entries(objects).map(([name, one]) => [name, one?.kind, figuresOf(one || {})]);
    return lines.length ? block("Objects", tableOf(["object", "kind", "figures"], lines, "Objects")) : "";
  };
  const figuresOf = (one) => Object.entries(one).filter(([key]) => key !== "kind").map(([key, value]) => figure(key, value)).filter(Boolean).join(", ");
  const figure = (key, value) => {
    if (value && typeof value === "object") return value.total_s ? `${key} ${seconds(value.total_s)} (at most ${seconds(value.max_s)})` : "";
    return value === null ? "" : `${key} ${key.endsWith("_s") ? seconds(value) : value}`;
  };

  const figures = () => {
    const closing = data.closing.figures;
    const parts = [threadFigures(closing.threads || {}), objectFigures(closing.objects || {})].filter(Boolean);
    return parts.length ? el("details", { open: true }, el("summary", {}, "Figures"), el("div", { class: "cards" }, parts)) : "";
  };

  const build = () => {
    header();
    const notes = $("notes");
    notes.hidden = !data.notes.length;
    notes.append(...data.notes.map((note) => el("p", {}, bdi(note))));
    const found = data.findings.slice(0, 50).map(findingItem);
    if (data.findings.length > 50) found.push(el("p", { class: "muted" }, `and ${count(data.findings.length - 50)} more findings`));
    add($("summary"), [found, expectations(), state(), figures()]);
  };
  return { build };
})();
