/* The figures of `stats` as tables: what bounds the run, threads with their shares, the critical path, each kind of object. */

const figureTables = (() => {
  const MOST = 200;
  const percent = (share) => (share > 0 && share < 0.005 ? "<1 %" : `${Math.round(share * 100)} %`);
  const SHARES = [["running_s", "alive"], ["working_s", "working"], ["sleeping_s", "sleeping"], ["calling_s", "calling"], ["waiting_s", "waiting"]];

  /* A column whose cells say nothing is left out; the first one names the rows. */
  const SAYS_NOTHING = new Set(["", "0", "0 s", "0 %", "0/s", "false", "–"]);
  const saysNothing = (item) => (item instanceof Node ? item.nodeName !== "CANVAS" && !item.textContent.trim() : SAYS_NOTHING.has(String(item ?? "")));
  const columnsOf = (heads, lines) => heads.map((_, i) => i).filter((i) => !i || !lines.every((line) => saysNothing(line[i])));

  const tableOf = (heads, lines, name, all = false) => {
    const shown = all ? [...heads.keys()] : columnsOf(heads, lines);
    const style = (i) => (heads[i].startsWith(">") ? "number" : "");
    return el("div", { class: "scroll held", role: "group", "aria-label": name }, el("table", { "aria-label": name },
      el("thead", {}, el("tr", {}, shown.map((i) => el("th", { scope: "col", class: style(i) }, heads[i].replace(">", ""))))),
      el("tbody", {}, lines.map((line) => el("tr", {}, shown.map((i) => el("td", { class: style(i) }, line[i] instanceof Node ? line[i] : bdi(String(line[i] ?? "")))))))));
  };

  const block = (title, entries, make, heads, wide = false) => {
    if (!entries.length) return "";
    const lines = entries.slice(0, MOST).map(make);
    const more = entries.length > MOST ? el("p", { class: "muted" }, `and ${count(entries.length - MOST)} more`) : "";
    return el("div", { class: wide ? "figure wide-figure" : "figure" }, title ? el("h3", {}, title) : "", tableOf(heads, lines, title), more);
  };

  const lineButton = (line, text) => (line ? el("button", { type: "button", class: "link", onclick: () => selectLine(line, "summary") }, text || `line ${line}`) : "");

  /* How the time of a thread is shared out, as a bar with the timeline's colours and patterns. */
  const shareBar = (life) => {
    const width = 120;
    const shares = SHARES.map(([key, kind]) => [kind, life.lived_s > 0 ? (life[key] || 0) / life.lived_s : 0]);
    const text = shares.filter(([, share]) => share > 0).map(([kind, share]) => `${WORDS[kind]} ${percent(share)}`).join(", ");
    const bar = el("canvas", { class: "share", width: width * 2, height: 24, role: "img", "aria-label": text, title: text });
    bar.paint = () => {
      const c = bar.getContext("2d");
      c.setTransform(2, 0, 0, 2, 0, 0);
      c.clearRect(0, 0, width, 12);
      let x = 0;
      for (const [kind, share] of shares) {
        c.fillStyle = patternOf(c, kind);
        c.fillRect(x, 0, share * width, 12);
        x += share * width;
      }
    };
    return bar;
  };

  const WAITS = { "queue.get": "an item in", "queue.put": "room in", "thread.join": "the end of", "simple_queue.get": "an item in" };
  const reasons = (life) => (life.waits || []).slice(0, 2).map((one) => `${WAITS[one.op] || one.op} ${one.object ?? ""} ${percent(one.share)}`).join(", ");
  const lifeLine = ([name, life]) => [
    (life.threads || 1) > 1 ? `${name} (${count(life.threads)})` : name, seconds(life.lived_s), shareBar(life), percent(life.lived_s > 0 ? (life.waiting_s || 0) / life.lived_s : 0), reasons(life), count(life.messages || 0),
  ];
  const LIFE = ["thread", ">lived", "its time", ">waiting", "for", ">messages"];

  const FEW = 12;
  const threads = (figures) => {
    const all = Object.entries(figures.threads || {});
    const groups = Object.entries(figures.groups || {});
    if (all.length <= FEW || !groups.length) return [block("Threads", all, lifeLine, LIFE)];
    return [block("Groups of threads", groups, lifeLine, LIFE), el("details", { class: "figure" }, el("summary", { class: "small" }, plural(all.length, "thread")), block("", all, lifeLine, LIFE))];
  };

  /* Replicas and tasks that are on the path at the same place are one row, as they may be very many. */
  const grouped = (links) => {
    const rows = new Map();
    for (const link of links) {
      const group = link.thread.replace(/(\[\d+\]|#\d+)$/, "");
      const key = JSON.stringify([group, link.what, link.line, link.object]);
      const row = rows.get(key) || { ...link, group, threads: 0, seconds: 0, share: 0 };
      rows.set(key, { ...row, threads: row.threads + 1, seconds: row.seconds + link.seconds, share: row.share + link.share });
    }
    return [...rows.values()].map((row) => (row.threads > 1 ? { ...row, thread: `${row.group} (${count(row.threads)})` } : row)).sort((a, b) => b.seconds - a.seconds);
  };

  const path = (figures) => {
    const every = figures.critical_path?.links || [];
    const links = every.length > 8 ? grouped(every) : every;
    const line = (link) => [link.thread, `${link.what}${link.object ? ` ${link.object}` : ""}`, lineButton(link.line), seconds(link.seconds), percent(link.share)];
    const shown = links.filter((link, i) => i < 8 && (link.share >= 0.005 || i < 2));
    const heads = ["thread", "what", "scenario", ">time", ">share"];
    const made = block("Critical path", shown, line, heads);
    if (made && links.length > shown.length) made.append(el("p", { class: "muted small-text" }, `and ${plural(links.length - shown.length, "more place")}`));
    return made;
  };

  const samples = (one) => (one ? [seconds(one.total_s), seconds(one.p50_s), seconds(one.p99_s), seconds(one.max_s)] : ["", "", "", ""]);
  const SAMPLES = (word) => [`>${word}`, `>${word} p50`, `>${word} p99`, `>${word} max`];

  const lockLine = ([name, lock]) => {
    const longest = lock.longest_holder;
    return [name, count(lock.acquisitions ?? 0), percent(lock.contended_share ?? 0), ...samples(lock.waited), ...samples(lock.held),
      longest ? el("span", {}, bdi(longest.thread), " ", lineButton(longest.line)) : ""];
  };
  const locks = (title, table_) => block(title, Object.entries(table_ || {}), lockLine, [title.toLowerCase(), ">acquired", ">contended", ...SAMPLES("waited"), ...SAMPLES("held"), "longest holder"], true);

  const queueLine = ([name, queue]) => [name, count(queue.puts ?? 0), count(queue.gets ?? 0), queue.throughput_per_s === undefined ? "" : `${count(Math.round(queue.throughput_per_s))}/s`,
    queue.size_mean === undefined ? "" : Number(queue.size_mean.toPrecision(3)), count(queue.largest ?? 0), seconds(queue.waited_put?.total_s ?? 0), seconds(queue.waited_get?.total_s ?? 0),
    ...(queue.inside ? samples(queue.inside).slice(1) : ["", "", ""])];
  const queues = (table_) => block("Queues", Object.entries(table_ || {}), queueLine, ["queue", ">put", ">got", ">through", ">mean size", ">largest", ">waited to put", ">waited to get", ">inside p50", ">inside p99", ">inside max"], true);

  const poolLine = ([name, pool]) => [name, count(pool.tasks ?? 0), pool.workers ?? "", pool.utilisation_share === undefined ? "" : percent(pool.utilisation_share), ...samples(pool.queued).slice(1), ...samples(pool.served).slice(1)];
  const pools = (table_) => block("Pools", Object.entries(table_ || {}), poolLine, ["pool", ">tasks", ">workers", ">busy", ">queued p50", ">queued p99", ">queued max", ">served p50", ">served p99", ">served max"], true);

  const waitLine = ([name, one]) => [name, count(one.waits ?? 0), ...samples(one.waited)];
  const waits = (title, table_) => block(title, Object.entries(table_ || {}).filter(([, one]) => one.waits), waitLine, [title.toLowerCase(), ">waits", ...SAMPLES("waited")]);

  /* The figures as a part of the page; nothing where there are none. */
  const build = (figures) => {
    const parts = [...threads(figures), path(figures), locks("Locks", figures.locks), locks("Semaphores", figures.semaphores), queues(figures.queues), pools(figures.pools),
      waits("Conditions", figures.conditions), waits("Barriers", figures.barriers), waits("Events", figures.events)].filter(Boolean);
    return parts.length ? el("details", { id: "figures", open: !data.player }, el("summary", {}, "Figures"), el("div", { class: "figures" }, parts)) : "";
  };
  /* Tables that are wider or longer than their place are scrolled with the keys, too. */
  const makeReachable = () => {
    for (const place of document.querySelectorAll(".held")) {
      if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight) place.tabIndex = 0;
      else place.removeAttribute("tabindex");
    }
  };
  const repaintBars = () => {
    for (const bar of document.querySelectorAll("canvas.share")) bar.paint();
  };
  return { build, makeReachable, repaintBars, tableOf, lineButton };
})();
