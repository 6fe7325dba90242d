/**
 * How the picture is looked at: zoom, pan, turn.
 *
 * The sheet gets the size that the zoom asks for and the stage scrolls, so panning by finger, arrow keys and scroll bars
 * is the browser's own. Everything inside the leaf is laid out in shares of the picture and follows by itself.
 */

import { byId } from "./dom.js";
import { say } from "./language.js";

const STEP = 1.25;
const MOST = 8; // screen pixels a pixel of the picture
const LONG = 3; // a picture this much longer than the stage is fitted by its width: a receipt, a chat
const stage = byId("stage");
const sheet = byId("sheet");
const leaf = byId("leaf");
let picture = { width: 4, height: 3 };
let quarter = 0; // turns of 90° clockwise
let scale = 1;
let fitted = true;

/** Shows a picture of `width` × `height` pixels, turned clockwise by `turned` degrees, as large as fits. */
export function place(width, height, turned = 0) {
  const same = picture.width === width && picture.height === height && quarter === turned / 90;
  picture = { width, height };
  quarter = Math.round(turned / 90) % 4;
  if (!same) fitted = true;
  lay();
}

/** Turns what is shown by 90° clockwise; what was read stays as it is. */
export function turn() {
  quarter = (quarter + 1) % 4;
  fitted = true;
  lay();
}

/** Brings `node` into the stage, where it is out of sight. */
export function reveal(node) {
  const [inner, outer] = [node.getBoundingClientRect(), stage.getBoundingClientRect()];
  const off = (from, to, low, high) => (from >= low && to <= high ? 0 : (from + to) / 2 - (low + high) / 2);
  stage.scrollBy({
    left: off(inner.left, inner.right, outer.left, outer.right),
    top: off(inner.top, inner.bottom, outer.top, outer.bottom),
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
}

/** The point of the picture, in its pixels, under a point of the screen. */
export function pointAt({ clientX, clientY }) {
  const { left, top, width, height } = sheet.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  const [across, down] = [[x, y], [y, 1 - x], [1 - x, 1 - y], [1 - y, x]][quarter];
  const within = (share, size) => Math.round(Math.min(Math.max(share, 0), 1) * size);
  return [within(across, picture.width), within(down, picture.height)];
}

export function startViewer() {
  byId("zoom-in").addEventListener("click", () => zoomBy(STEP));
  byId("zoom-out").addEventListener("click", () => zoomBy(1 / STEP));
  byId("zoom-fit").addEventListener("click", fit);
  byId("turn").addEventListener("click", turn);
  stage.addEventListener("wheel", onWheel, { passive: false });
  stage.addEventListener("keydown", onKey);
  startPinch();
  startPan();
  new ResizeObserver(() => fitted && lay()).observe(stage);
}

function fit() {
  fitted = true;
  lay();
}

/** Zooms by `factor`; the point at `at` (on the screen) stays where it is. */
function zoomBy(factor, at = middleOf(stage.getBoundingClientRect())) {
  const before = sheet.getBoundingClientRect();
  const share = [(at.clientX - before.left) / before.width, (at.clientY - before.top) / before.height];
  fitted = false;
  scale = Math.min(Math.max(scale * factor, Math.min(fitting(), 1) / 2), Math.max(MOST, fitting()));
  lay();
  const after = sheet.getBoundingClientRect();
  stage.scrollLeft += after.left + share[0] * after.width - at.clientX;
  stage.scrollTop += after.top + share[1] * after.height - at.clientY;
}

function lay() {
  const [width, height] = quarter % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
  stage.style.setProperty("--shape", height / width);
  if (fitted) scale = fitting();
  sheet.style.width = `${width * scale}px`;
  sheet.style.height = `${height * scale}px`;
  leaf.style.width = `${picture.width * scale}px`;
  leaf.style.height = `${picture.height * scale}px`;
  // the leaf is turned about its top left corner and pushed back into the sheet
  const push = [[0, 0], [width * scale, 0], [width * scale, height * scale], [0, height * scale]][quarter];
  leaf.style.transform = quarter ? `translate(${push[0]}px, ${push[1]}px) rotate(${90 * quarter}deg)` : "none";
  stage.classList.toggle("zoomed-in", scale > fitting() * 1.01);
  say(byId("zoom"), "zoomed", { percent: Math.round(100 * scale) });
}

function fitting() {
  const [width, height] = quarter % 2 ? [picture.height, picture.width] : [picture.width, picture.height];
  const room = getComputedStyle(stage);
  const across = stage.clientWidth - parseFloat(room.paddingLeft) - parseFloat(room.paddingRight);
  const down = stage.clientHeight - parseFloat(room.paddingTop) - parseFloat(room.paddingBottom);
  if (across <= 0 || down <= 0) return 1;
  const [byWidth, byHeight] = [across / width, down / height];
  const long = byWidth / byHeight > LONG;
  return Math.min(long ? Math.min(byWidth, Math.max(byHeight * 2.5, 0.6)) : Math.min(byWidth, byHeight), 2);
}

function onWheel(event) {
  if (event.shiftKey) return; // the browser's own way to scroll sideways
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
  zoomBy(Math.exp(-Math.max(-160, Math.min(160, event.deltaY * lines)) / (event.ctrlKey ? 120 : 400)), event);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { "+": () => zoomBy(STEP), "=": () => zoomBy(STEP), "-": () => zoomBy(1 / STEP), 0: fit }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// Two fingers: the browser would zoom the page, so these touches are taken from it. One finger scrolls the stage.
function startPinch() {
  let last = null;
  const span = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  stage.addEventListener("touchstart", (event) => {
    last = event.touches.length === 2 ? span(event.touches) : null;
  }, { passive: true });
  stage.addEventListener("touchmove", (event) => {
    if (last === null || event.touches.length !== 2) return;
    event.preventDefault();
    const [one, other] = event.touches;
    const now = span(event.touches);
    zoomBy(now / last, { clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    last = now;
  }, { passive: false });
}

// A mouse drags the picture where there is no text to select; with the middle button everywhere.
function startPan() {
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || stage.classList.contains("drawing-areas")) return;
    if (event.button !== 1 && (event.button !== 0 || event.target.closest(".words span"))) return;
    if (event.button === 1) event.preventDefault();
    from = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("panning");
  });
  stage.addEventListener("pointermove", (event) => {
    if (from) stage.scrollTo(from.x - event.clientX, from.y - event.clientY);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => {
      from = null;
      stage.classList.remove("panning");
    });
  }
}

const middleOf = ({ left, right, top, bottom }) => ({ clientX: (left + right) / 2, clientY: (top + bottom) / 2 });
