/* Makes elements of the document and of SVG; text goes in as text only. */

const byId = (id) => document.getElementById(id);

const element = (name, given = {}, ...inside) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...inside.filter((one) => one !== null && one !== undefined));
  return made;
};

const drawn = (name, given = {}, ...inside) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
};

const select = (label, options, chosen, changed) => {
  const box = element("select", { onchange: () => changed(box.value), "aria-label": label });
  for (const [value, text] of options) box.append(element("option", { value }, text));
  box.value = String(chosen);
  return element("label", {}, label, box);
};

/* A table without the columns, beside the first, in which no row says anything. */
const SAYS_NOTHING = new Set(["", "0", "–", "false"]);
const table = (heads, rows) => {
  const shown = heads.map((_, at) => at).filter((at) => !at || !rows.length || rows.some((row) => row[at] instanceof Node || !SAYS_NOTHING.has(String(row[at]))));
  return element("table", {},
    element("thead", {}, element("tr", {}, ...shown.map((at) => element("th", { scope: "col", class: heads[at][1] || "" }, heads[at][0])))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...shown.map((at) => element("td", { class: heads[at][1] || "" }, row[at]))))));
};

const copied = (text) => {
  const button = element("button", { type: "button", "aria-label": `Copy: ${text}`, onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(button.previousSibling);
      button.textContent = "selected";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  } }, "copy");
  return element("div", { class: "command" }, element("code", { title: text }, text), button);
};
