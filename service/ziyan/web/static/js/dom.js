/** The few ways in which this page touches the document. Text only ever goes in through textContent. */

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element with attributes; a child is a node or a text. */
export function element(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function svgElement(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

/** The drawing `name` out of the page's own set. */
export function icon(name) {
  return svgElement("svg", { class: "icon", "aria-hidden": "true" }, svgElement("use", { href: `#icon-${name}` }));
}

/** A button of `kind` (its classes) that does `act`; what it says is the caller's. */
export function button(kind, act, ...children) {
  const node = element("button", { type: "button", class: kind }, ...children);
  node.addEventListener("click", act);
  return node;
}

/** Marks `node` with `name`=`value`; null takes the mark away. */
export function mark(node, name, value) {
  if (value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

function furnish(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Bytes as people say them: "820 kB", "2.4 MB" (multiples of 1024, as the box counts its limits). */
export function bytes(count) {
  if (count < 1024 * 1024) return `${Math.ceil(count / 1024)} kB`;
  return `${(count / 1024 / 1024).toFixed(1).replace(/\.0$/, "")} MB`;
}

/** The language that `text` is to be shown and spoken in. */
export const languageOf = (text) => (/\p{Script=Han}/u.test(text) ? "zh-CN" : "en");
