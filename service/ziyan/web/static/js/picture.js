/**
 * The picture, over it the outline of every line, and over these its text, transparent, to be selected and copied.
 *
 * Outlines are SVG in the coordinates of the sent picture (its width and height are the viewBox); words are placed in
 * shares of the picture, their size in its container's units. So both stay in place at any zoom. A picture that the
 * browser cannot show (HEIC, TIFF, a document's page) becomes a blank sheet of the same shape, and the words get ink.
 */

import { byId, element, languageOf, mark, svgElement } from "./dom.js";
import { BLANK, isOpen, textOf } from "./desk.js";
import { label, say } from "./language.js";
import { place } from "./viewer.js";

const leaf = byId("leaf");
const image = byId("picture");
const outlines = byId("outlines");
const words = byId("words");
const pen = document.createElement("canvas").getContext("2d");
let url = null;
let shown; // undefined: nothing at all

/** Shows `file` (null: nothing that can be shown) of the sheet `name`, without outlines. */
export function showPicture(file, { name, kind }) {
  clearPicture();
  shown = file;
  label(image, "pictureAlt", { name });
  say(byId("no-preview"), kind === "document" ? "noPage" : "noPreview", { name });
  leaf.classList.toggle("blind", file === null);
  if (file === null) {
    place(...BLANK);
    return;
  }
  url = URL.createObjectURL(file);
  image.onload = () => {
    if (!leaf.classList.contains("outlined")) place(image.naturalWidth, image.naturalHeight);
  };
  image.onerror = () => {
    leaf.classList.add("blind");
    if (!leaf.classList.contains("outlined")) place(...BLANK);
  };
  image.src = url;
}

/** Whether `file` is what is shown. */
export const isShown = (file) => file === shown;

/** Forgets the picture and gives its memory back. */
export function clearPicture() {
  if (url) URL.revokeObjectURL(url);
  url = null;
  shown = undefined;
  image.onload = image.onerror = null;
  image.removeAttribute("src");
  clearOutlines();
}

/** Takes outlines and words away. */
export function clearOutlines() {
  outlines.replaceChildren();
  words.replaceChildren();
  leaf.classList.remove("outlined");
}

/** Draws the lines of `page`. */
export function outline({ lines, width, height, turned }) {
  outlines.setAttribute("viewBox", `0 0 ${width} ${height}`);
  leaf.classList.add("outlined");
  outlines.replaceChildren(...lines.map(outlined));
  words.replaceChildren(...lines.map((line, index) => worded(line, index, width, height)));
  place(width, height, turned);
}

/** Draws line `index` anew after it was edited. */
export function outlineAgain({ lines, width, height }, index) {
  outlines.children[index].replaceWith(outlined(lines[index], index));
  words.children[index].replaceWith(worded(lines[index], index, width, height));
}

/** Lights up line `index` alone; none for null. Its outline, to look at. */
export function lightOutline(index) {
  outlines.classList.toggle("pointing", index !== null);
  [...outlines.children].forEach((group, at) => group.classList.toggle("lit", at === index));
  [...words.children].forEach((word, at) => word.classList.toggle("lit", at === index));
  return outlines.children[index] ?? null;
}

/** Calls `onPoint(index or null)` and `onPick(index)` as the pointer moves over lines and presses one. */
export function watchOutlines({ onPoint, onPick }) {
  const indexOf = ({ target }) => (target.closest("span") ? Number(target.closest("span").dataset.index) : null);
  words.addEventListener("pointerover", (event) => onPoint(indexOf(event)));
  words.addEventListener("pointerleave", () => onPoint(null));
  words.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index !== null && document.getSelection().isCollapsed) onPick(index);
  });
  document.addEventListener("copy", copyWords);
  byId("show-outlines").addEventListener("click", ({ currentTarget }) => {
    const on = currentTarget.getAttribute("aria-pressed") === "false";
    currentTarget.setAttribute("aria-pressed", String(on));
    leaf.classList.toggle("bare-picture", !on);
  });
}

/** The part of the picture that shows `line`, upright, as a canvas; null where the browser cannot show the picture. */
export function cutOut({ box, vertical }, { width }) {
  if (!image.naturalWidth || leaf.classList.contains("blind")) return null;
  const shrunk = image.naturalWidth / width; // a document's page is kept smaller than it was read
  const { across, down, angle, corner } = measured({ box, vertical });
  const pad = 0.15 * Math.min(across, down);
  const enlarged = Math.min(1200 / (across + 2 * pad), Math.max(1, 96 / Math.min(across, down)));
  const canvas = element("canvas", { class: vertical ? "cut vertical" : "cut", "aria-hidden": "true" });
  canvas.width = Math.max(1, Math.round((across + 2 * pad) * enlarged));
  canvas.height = Math.max(1, Math.round((down + 2 * pad) * enlarged));
  const context = canvas.getContext("2d");
  context.scale(enlarged, enlarged);
  context.translate(pad, pad);
  context.rotate(-angle);
  context.translate(-corner[0], -corner[1]);
  context.scale(1 / shrunk, 1 / shrunk);
  context.drawImage(image, 0, 0);
  return canvas;
}

/** The whole picture as it is shown, upright, as a canvas; null where the browser cannot show it. */
export function cutPicture() {
  if (!image.naturalWidth || leaf.classList.contains("blind")) return null;
  const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // paper under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  return canvas;
}

/** Whether a line is written from top to bottom: the box says so, or its shape does. */
export function isVertical({ vertical, box, text }) {
  if (typeof vertical === "boolean") return vertical;
  const { across, down } = measured({ box });
  return down > 1.5 * across && [...text].length > 1;
}

// Words stand apart in the document; a browser would copy them in one row.
function copyWords(event) {
  const selection = document.getSelection();
  if (selection.isCollapsed || !words.contains(selection.anchorNode) || !words.contains(selection.focusNode)) return;
  const range = selection.getRangeAt(0);
  const parts = [...words.children].filter((word) => range.intersectsNode(word)).map((word) => within(range, word));
  event.preventDefault();
  event.clipboardData.setData("text/plain", parts.filter(Boolean).join("\n"));
}

/** The part of the text of `word` that `range` holds. */
function within(range, word) {
  const text = word.firstChild;
  const from = range.startContainer === text ? range.startOffset : 0;
  const to = range.endContainer === text ? range.endOffset : text.length;
  return text.data.slice(from, to);
}

function outlined(line, index) {
  const points = line.box.map((corner) => corner.join(",")).join(" ");
  const kind = ["line", isOpen(line) && "uncertain", line.checked && "checked"].filter(Boolean).join(" ");
  return svgElement(
    "g",
    { class: kind, "data-index": index },
    svgElement("polygon", { class: "halo", points }), // keeps the edge visible on any picture
    svgElement("polygon", { class: "edge", points }),
  );
}

/** The text of `line`, fitted into its box: from its left edge to its right, or from its top to its bottom. */
function worded(line, index, width, height) {
  const upright = isVertical(line);
  const { across, down, angle, corner } = measured({ ...line, vertical: upright });
  const [thick, long] = upright ? [across, down] : [down, across];
  const text = textOf(line);
  const size = 0.86 * thick;
  pen.font = "100px sans-serif";
  const natural = (pen.measureText(text).width / 100) * size || 1;
  const stretch = long / natural;
  const [x, y] = corner;
  const node = element("span", { "data-index": index, lang: languageOf(text) }, text);
  mark(node, "class", upright ? "vertical" : null);
  Object.assign(node.style, {
    left: `${(100 * x) / width}%`,
    top: `${(100 * y) / height}%`,
    fontSize: `${(100 * size) / width}cqw`,
    lineHeight: `${(100 * thick) / width}cqw`,
    transform: `rotate(${angle}rad) scale(${upright ? `1, ${stretch}` : `${stretch}, 1`})`,
  });
  return node;
}

/** Length of a box's upper and left edge, its angle, its top left corner; a column's upper edge is its short one. */
function measured({ box, vertical = false }) {
  let [topLeft, topRight, bottomRight, bottomLeft] = box;
  if (vertical && distance(topLeft, topRight) > distance(topLeft, bottomLeft)) {
    [topLeft, topRight, bottomLeft] = [bottomLeft, topLeft, bottomRight];
  }
  return {
    corner: topLeft,
    across: Math.max(distance(topLeft, topRight), 1),
    down: Math.max(distance(topLeft, bottomLeft), 1),
    angle: Math.atan2(topRight[1] - topLeft[1], topRight[0] - topLeft[0]),
  };
}

const distance = ([x, y], [toX, toY]) => Math.hypot(toX - x, toY - y);
