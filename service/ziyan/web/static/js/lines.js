/** The list of lines beside the picture: number, text, score, and a button that copies the line. */

import { byId, element } from "./dom.js";
import { label, say } from "./language.js";

const list = byId("lines");

/** Lists `lines` ({text, score, uncertain}) in reading order. */
export function listLines(lines) {
  list.replaceChildren(...lines.map(listed));
}

/** Lights up line `index` alone; none for null. */
export function lightLine(index) {
  [...list.children].forEach((item, at) => item.classList.toggle("lit", at === index));
}

/** Brings line `index` into view and focuses it. */
export function focusLine(index) {
  const item = list.children[index];
  item.scrollIntoView({ block: "nearest" });
  item.querySelector("button").focus({ preventScroll: true });
}

/** Calls `onPoint(index or null)`, `onFocus(index or null)` and `onCopy(index)`; arrow keys, Home and End move. */
export function watchLines({ onPoint, onFocus, onCopy }) {
  const indexOf = (node) => {
    const at = [...list.children].indexOf(node?.closest?.("li"));
    return at < 0 ? null : at;
  };
  list.addEventListener("pointerover", (event) => onPoint(indexOf(event.target)));
  list.addEventListener("pointerleave", () => onPoint(null));
  list.addEventListener("focusin", (event) => onFocus(indexOf(event.target)));
  list.addEventListener("focusout", (event) => onFocus(indexOf(event.relatedTarget)));
  list.addEventListener("click", (event) => {
    if (event.target.closest("button")) onCopy(indexOf(event.target));
  });
  list.addEventListener("keydown", (event) => {
    const to = neighbour(event.key, indexOf(event.target), list.children.length);
    if (to === null) return;
    event.preventDefault();
    focusLine(to);
  });
}

function neighbour(key, at, count) {
  if (key === "ArrowDown") return Math.min(at + 1, count - 1);
  if (key === "ArrowUp") return Math.max(at - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return null;
}

function listed({ text, score, uncertain }, index) {
  const number = index + 1;
  const percent = Math.floor(100 * score); // rounding up would let a line just under the bound look above it
  const copy = element("button", { type: "button", class: "copy" }, element("span", { "aria-hidden": "true" }));
  return element(
    "li",
    uncertain ? { class: "uncertain" } : {},
    element("span", { class: "number", "aria-hidden": "true" }, String(number)),
    element("span", { class: "text", lang: /\p{Script=Han}/u.test(text) ? "zh-CN" : "en" }, text),
    say(element("span", { class: "score" }), uncertain ? "uncertain" : "score", { percent }),
    label(copy, "copyLine", { number, text }),
  );
}
