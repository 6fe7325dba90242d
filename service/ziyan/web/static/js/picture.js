/**
 * The picture and, over it, the outline of every line.
 *
 * Outlines are SVG in the coordinates of the sent picture (its width and height are the viewBox), so they stay in place
 * at any size on the screen. A picture that the browser cannot show (HEIC, TIFF) becomes a blank sheet of the same
 * shape, with the words where they stand.
 */

import { byId, svgElement } from "./dom.js";
import { label, say } from "./language.js";

const sheet = byId("sheet");
const image = byId("picture");
const outlines = byId("outlines");
let url = null;

/** Shows `file` with no outlines. */
export function showPicture(file) {
  clearPicture();
  url = URL.createObjectURL(file);
  image.onerror = () => sheet.classList.add("blind");
  image.src = url;
  label(image, "pictureAlt", { name: file.name });
  say(byId("no-preview"), "noPreview", { name: file.name });
}

/** Forgets the picture and gives its memory back. */
export function clearPicture() {
  if (url) URL.revokeObjectURL(url);
  url = null;
  image.onerror = null;
  image.removeAttribute("src");
  outlines.replaceChildren();
  sheet.classList.remove("blind", "outlined");
}

/** Draws `lines` ({text, box, uncertain}) of a picture of `width` × `height` pixels. */
export function outline(lines, width, height) {
  outlines.setAttribute("viewBox", `0 0 ${width} ${height}`);
  outlines.setAttribute("width", width);
  outlines.setAttribute("height", height);
  outlines.replaceChildren(...lines.map(outlined));
  sheet.classList.add("outlined");
}

/** Lights up the outline of line `index` alone; none for null. */
export function lightOutline(index) {
  outlines.classList.toggle("pointing", index !== null);
  outlines.childNodes.forEach((group, at) => group.classList.toggle("lit", at === index));
}

/** Calls `onPoint(index or null)` and `onPick(index)` as the pointer moves over outlines and presses one. */
export function watchOutlines({ onPoint, onPick }) {
  const indexOf = (event) => {
    const group = event.target.closest("g");
    return group ? Number(group.dataset.index) : null;
  };
  outlines.addEventListener("pointerover", (event) => onPoint(indexOf(event)));
  outlines.addEventListener("pointerleave", () => onPoint(null));
  outlines.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index !== null) onPick(index);
  });
}

function outlined({ text, box, uncertain }, index) {
  const points = box.map((corner) => corner.join(",")).join(" ");
  return svgElement(
    "g",
    { class: uncertain ? "line uncertain" : "line", "data-index": index },
    svgElement("polygon", { class: "halo", points }), // keeps the edge visible on any picture
    svgElement("polygon", { class: "edge", points }),
    words(text, box),
  );
}

/** `text` fitted into its box: along the upper edge, or down the right edge when the box is an upright column. */
function words(text, [topLeft, topRight, bottomRight, bottomLeft]) {
  const across = distance(topLeft, topRight);
  const down = distance(topLeft, bottomLeft);
  const upright = down > 1.5 * across && [...text].length > 1;
  const size = 0.8 * Math.min(across, down);
  const [x, y] = upright ? middle(topLeft, topRight) : middle(topLeft, bottomLeft);
  const [toX, toY] = upright ? middle(bottomLeft, bottomRight) : middle(topRight, bottomRight);
  const turn = (Math.atan2(toY - y, toX - x) * 180) / Math.PI - (upright ? 90 : 0);
  return svgElement(
    "text",
    {
      class: upright ? "words upright" : "words",
      x,
      y,
      "font-size": size,
      textLength: Math.max(upright ? down : across, 1),
      lengthAdjust: "spacingAndGlyphs",
      transform: `rotate(${turn} ${x} ${y})`,
    },
    text,
  );
}

const distance = ([x, y], [toX, toY]) => Math.hypot(toX - x, toY - y);
const middle = ([x, y], [toX, toY]) => [(x + toX) / 2, (y + toY) / 2];
