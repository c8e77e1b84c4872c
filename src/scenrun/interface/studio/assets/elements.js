/* Elements of the page: looked up, made, and hidden. */
export const $ = (id) => document.getElementById(id);

export const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  put(made, attributes);
  made.append(...children);
  return made;
};

export const svg = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  put(made, attributes);
  made.append(...children);
  return made;
};

const put = (made, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
};

/* What is wrong first with a text, as a sentence; empty where it is a scenario. */
export const firstError = (message) => {
  const first = message.problems.find((one) => one.severity === "error");
  return first ? `line ${first.line}: ${first.message}` : "";
};

export const number = (value) => value.toLocaleString("en");

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/* A result's page in a frame, with links to it as a page of its own and as a file. */
export const show = (frame, links, key, name) => {
  const address = `result/${encodeURIComponent(key)}`;
  if (frame) {
    frame.hidden = false;
    frame.src = address;
  }
  links.replaceChildren(el("a", { href: address, target: "_blank", rel: "noopener" }, "Open as a page"), el("a", { href: address, download: `${name}.html` }, "Download"));
};
