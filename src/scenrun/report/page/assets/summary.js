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
    const way = { run: "real threads", simulate: "simulated" }[known.get("way")] || known.get("way") || "the log has no first line";
    const out = [data.clock ? `${way}, ${data.clock}` : way];
    out.push(lasting(data.end), plural(data.count, "line"), plural(data.threads.length, "thread"));
    for (const [name, label] of [["seed", "seed"], ["scheduler", "scheduler"], ["python", "Python"], ["scenrun", "scenrun"], ["run", "run"]]) {
      if (known.has(name)) out.push(`${label} ${known.get(name)}`);
    }
    return [out.map((text, i) => [i ? " · " : "", bdi(text)])].flat(2);
  };

  const lineLink = figureTables.lineButton;

  const findingItem = (finding) => {
    const row = rowAt(finding.at);
    const go = () => {
      if (row >= 0) selectRow(row, "summary");
      timeline.reveal(...Array(2).fill(range.state.axis === "time" ? finding.t : finding.at), null);
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
    const holder = one.held_by.length && one.operation !== "thread.join" ? `, held by ${one.held_by.join(", ")}` : "";
    return el("li", {}, bdi(one.name), ": ", bdi(where + holder), " ", one.line ? ["(", lineLink(one.line), ")"] : "");
  };

  const FOUND = { holds: "✓", allowed: "✓", observed: "✓", violated: "✗", broken: "✗", forbidden: "✗" };

  const expectations = () => {
    const lines = data.closing.expectations.map((one) => {
      const { what, expression, found, line, ...more } = one;
      const rest = Object.entries(more).map(([key, text]) => `${key} ${typeof text === "string" ? text : JSON.stringify(text)}`).join(", ");
      const word = typeof found === "string" ? found : JSON.stringify(found ?? "");
      return [what, el("code", {}, bdi(String(expression ?? rest))), `${FOUND[word] ? `${FOUND[word]} ` : ""}${word.replaceAll("_", " ")}`, lineLink(Number(line) || 0)];
    });
    return lines.length ? block("Expectations", figureTables.tableOf(["expected", "that", "found", "scenario"], lines, "Expectations")) : "";
  };

  const state = () => (data.closing.state.length ? block("Shared variables at the end", figureTables.tableOf(["name", "value"], data.closing.state, "Shared variables at the end", true)) : "");
  const block = (title, content) => el("div", {}, el("h3", {}, title), content);
  const bound = () => {
    const sentence = data.figures?.bottleneck?.sentence;
    return sentence ? el("p", { class: "said" }, bdi(`${sentence}.`), " ") : "";
  };

  const build = () => {
    header();
    const notes = $("notes");
    notes.hidden = !data.notes.length;
    notes.append(...data.notes.map((note) => el("p", {}, bdi(note))));
    const found = data.findings.slice(0, 50).map(findingItem);
    if (data.findings.length > 50) found.push(el("p", { class: "muted" }, `and ${count(data.findings.length - 50)} more findings`));
    const told_ = [expectations(), state()].filter(Boolean);
    add($("summary"), [el("h2", { class: "unseen" }, "Summary"), found, bound(), told_.length ? el("div", { class: "cards" }, told_) : "", figureTables.build(data.figures)]);
    figureTables.repaintBars();
    figureTables.makeReachable();
  };
  return { build };
})();
