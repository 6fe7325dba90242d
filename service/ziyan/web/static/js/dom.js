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
