/** The list of lines beside the picture: number, text, score; a line can be copied, and edited under its picture. */

import { byId, button, element, icon, languageOf } from "./dom.js";
import { isOpen, textOf } from "./desk.js";
import { label, say } from "./language.js";
import { cutOut, isVertical } from "./picture.js";

const list = byId("lines");
let acts = {};

/** Lists `lines` in reading order. */
export function listLines(lines) {
  list.replaceChildren(...lines.map(listed));
  rove(0);
}

/** Lists line `index` anew. */
export function listAgain(line, index) {
  list.children[index].replaceWith(listed(line, index));
  rove(index);
}

/** Lights up line `index` alone; none for null. */
export function lightLine(index) {
  [...list.children].forEach((item, at) => item.classList.toggle("lit", at === index));
}

/** Brings line `index` into view and focuses it. */
export function focusLine(index) {
  const item = list.children[index];
  rove(index);
  item.scrollIntoView({ block: "nearest" });
  item.querySelector("button, textarea").focus({ preventScroll: true });
}

/** Brings line `index` into view where the list scrolls. */
export function revealLine(index) {
  list.children[index]?.scrollIntoView({ block: "nearest" });
}

/** Turns line `index` into a field, with its part of the picture above. */
export function editLine(page, index) {
  const line = page.lines[index];
  const text = textOf(line);
  const field = element("textarea", { rows: 1, lang: languageOf(text), autocomplete: "off", spellcheck: "false" }, text);
  const form = element("form", { class: "editing" });
  const cut = cutOut({ ...line, vertical: isVertical(line) }, page);
  if (cut) form.append(cut);
  label(field, "editLabel", { number: index + 1 });
  const save = element("button", { type: "submit", class: "primary small" });
  form.append(field, element("div", { class: "actions" }, say(save, "save"), say(button("small", () => acts.onLeave(index)), "leave")));
  const keep = () => acts.onSave(index, field.value.replace(/\s*\n\s*/g, " ").trim());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep();
  });
  form.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the arrow keys belong to the field
    if (event.isComposing) return; // Enter and Escape are of the input method: a word is being written
    if (event.key === "Escape") acts.onLeave(index);
    if (event.key !== "Enter" || event.target !== field) return;
    event.preventDefault(); // a line stays one line
    keep();
  });
  const item = list.children[index];
  item.classList.add("open");
  item.replaceChildren(number(index), form);
  field.style.height = `${field.scrollHeight + 2}px`; // as high as its text, with its border
  item.scrollIntoView({ block: "nearest" });
  field.focus({ preventScroll: true });
  field.select();
}

/** Calls `onPoint`, `onFocus` (index or null), `onCopy`, `onEdit`, `onRestore`, `onLeave(index)` and `onSave(index, text)`. */
export function watchLines(given) {
  acts = given;
  list.addEventListener("pointerover", (event) => acts.onPoint(indexOf(event.target)));
  list.addEventListener("pointerleave", () => acts.onPoint(null));
  list.addEventListener("focusin", (event) => acts.onFocus(indexOf(event.target)));
  list.addEventListener("focusout", (event) => acts.onFocus(indexOf(event.relatedTarget)));
  list.addEventListener("dblclick", (event) => {
    if (event.target.closest(".text")) acts.onEdit(indexOf(event.target));
  });
  list.addEventListener("keydown", (event) => {
    const to = neighbour(event.key, indexOf(event.target), list.children.length);
    if (to === null) return;
    event.preventDefault();
    const at = [...event.target.parentNode.children].indexOf(event.target);
    focusLine(to);
    list.children[to].querySelectorAll("button")[at]?.focus({ preventScroll: true }); // the same button, one line on
  });
}

function indexOf(node) {
  const at = [...list.children].indexOf(node?.closest?.("li"));
  return at < 0 ? null : at;
}

// One line at a time is a stop of the Tab key; the arrow keys go from line to line.
function rove(to) {
  [...list.children].forEach((item, at) => {
    for (const node of item.querySelectorAll("button")) node.tabIndex = at === to ? 0 : -1;
  });
}

function neighbour(key, at, count) {
  if (key === "ArrowDown") return Math.min(at + 1, count - 1);
  if (key === "ArrowUp") return Math.max(at - 1, 0);
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return null;
}

function listed(line, index) {
  const text = textOf(line);
  const kind = [isOpen(line) && "uncertain", line.edited !== null && "edited"].filter(Boolean).join(" ");
  const tools = element("span", { class: "tools" });
  const tool = (key, drawing, act) =>
    tools.append(label(button("bare", () => act(index), icon(drawing)), key, { number: index + 1, text }));
  tool("editLine", "edit", acts.onEdit);
  if (line.edited !== null) tool("restoreLine", "undo", acts.onRestore);
  tool("copyLine", "copy", acts.onCopy);
  return element(
    "li",
    kind ? { class: kind } : {},
    number(index),
    element("span", { class: "text", lang: languageOf(text) }, text),
    marks(line),
    tools,
  );
}

function number(index) {
  return element("span", { class: "number", "aria-hidden": "true" }, String(index + 1));
}

function marks(line) {
  const percent = Math.floor(100 * line.score); // rounding up would let a line just under the bound look above it
  const said = element("span", { class: "marks" });
  if (isVertical(line)) said.append(say(element("span", { class: "way" }), "vertical"));
  const score = element("span", { class: "score" });
  if (line.edited !== null) say(score, "edited");
  else if (line.checked) say(score, "checked");
  else say(score, isOpen(line) ? "uncertain" : "score", { percent });
  said.append(score);
  return said;
}
