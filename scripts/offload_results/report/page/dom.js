// SPDX-License-Identifier: Apache-2.0
// Elements from text. Everything from a results file becomes a text node or an attribute's value.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  const present = (child) => child !== null && child !== undefined;
  element.append(...children.flat(Infinity).filter(present));
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

/// A name that may break after its underscores, where there is little room.
const breakable = (name) => name.split(/(?<=_)/).flatMap((part, index) =>
  (index === 0 ? [part] : [el("wbr"), part]));

/// A sentence: its subject set back, the names of policies as code, those that win strong.
function prose(text) {
  const names = Object.keys(data.styles).sort((a, b) => b.length - a.length);
  const quoted = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const colon = text.indexOf(": ") + 1;
  const verb = text.slice(colon).search(/ (wins|tie|ties|reads|reaches|is fastest)\b/);
  const parts = names.length ? text.slice(colon).split(new RegExp(`(${quoted.join("|")})`))
    : [text.slice(colon)];
  let at = 0;
  return [el("span", {class: "subject"}, text.slice(0, colon)), parts.map((part) => {
    const wins = at < verb;
    at += part.length;
    return Object.hasOwn(data.styles, part)
      ? el(wins ? "b" : "span", {class: "policy"}, part) : part;
  })];
}
