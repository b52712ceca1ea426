// Elements from text. Everything from a results file becomes a text node or an attribute's value.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const el = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

/// A <details> whose content is made when it is first opened.
function later(summary, make, attributes) {
  const details = el("details", attributes, el("summary", null, summary));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(make());
  });
  return details;
}

/// Text with the names of policies set as code.
function prose(text) {
  const names = Object.keys(data.looks).sort((a, b) => b.length - a.length);
  if (names.length === 0) return [text];
  const quoted = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return text.split(new RegExp(`(${quoted.join("|")})`))
    .map((part) => (part in data.looks ? el("code", null, part) : part));
}
