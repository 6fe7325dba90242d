/** The row of sheets: what lies on the desk, how far each is, and which one is looked at. */

import { byId, button, element, icon } from "./dom.js";
import { all, look, looked } from "./desk.js";
import { label, say } from "./language.js";

const EDGE = 120; // pixels of a small picture's longer side: twice what is shown
const row = byId("sheets");
const items = new Map();

/** Shows every sheet that lies on the desk; `onTake(sheet)` is told when one is put away. */
export function showStrip(onTake) {
  for (const [sheet, item] of items) {
    if (all().includes(sheet)) continue;
    item.remove();
    items.delete(sheet);
  }
  for (const sheet of all()) {
    if (!items.has(sheet)) row.append(made(sheet, onTake));
    showState(sheet);
  }
}

/** Shows which sheet is looked at. */
export function showLooked() {
  for (const [sheet, item] of items) {
    const opener = item.querySelector(".opener");
    if (sheet === looked()) opener.setAttribute("aria-current", "true");
    else opener.removeAttribute("aria-current");
  }
  items.get(looked())?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Shows how far `sheet` is. */
export function showState(sheet) {
  const item = items.get(sheet);
  if (!item) return;
  item.dataset.state = sheet.state;
  const share = shareOf(sheet);
  item.querySelector("progress").hidden = sheet.state !== "working";
  if (share === null) item.querySelector("progress").removeAttribute("value");
  else item.querySelector("progress").value = share;
  sayState(item.querySelector(".standing"), sheet);
}

/** The share of `sheet` that is done, 0 to 1; null where nobody knows. */
export function shareOf({ progress }) {
  const { step, sent, total, line, lines, page, pages } = progress;
  if (step === "send") return total > 0 ? sent / total : 0;
  if (step === "lines") return (line - 1) / lines;
  if (step === "pages" && pages > 0) return (page - 1 + (lines > 0 ? (line - 1) / lines : 0)) / pages;
  return null;
}

function sayState(node, sheet) {
  if (sheet.state === "working") return say(node, `short_${sheet.progress.step}`, { ...sheet.progress, percent: Math.floor(100 * (shareOf(sheet) ?? 0)) });
  if (sheet.state === "failed") return say(node, sheet.retryIn ? "short_retry" : "short_failed", { seconds: sheet.retryIn });
  if (sheet.state === "waiting") return say(node, "short_waiting");
  if (sheet.kind === "document") return say(node, "short_pages", { pages: sheet.pages.length });
  return say(node, "short_lines", { count: sheet.pages[0].lines.length });
}

function made(sheet, onTake) {
  const standing = element("span", { class: "standing" });
  const opener = button("opener", () => look(sheet), thumb(sheet), element("span", { class: "named" }, sheet.name), standing, element("progress", { max: 1, "aria-hidden": "true" }));
  const away = label(button("bare away", () => onTake(sheet), icon("close")), "takeAway", { name: sheet.name });
  const item = element("li", {}, opener, away);
  items.set(sheet, item);
  return item;
}

function thumb({ file, kind }) {
  const frame = element("span", { class: "thumb", "aria-hidden": "true" }, icon("document"));
  if (kind === "picture" && file) drawThumb(file, frame);
  return frame;
}

// Drawn small and let go: twenty photos of a phone as <img> would take gigabytes.
async function drawThumb(file, frame) {
  try {
    const whole = await createImageBitmap(file, { resizeWidth: EDGE, resizeQuality: "medium" });
    const canvas = element("canvas", { width: whole.width, height: whole.height });
    canvas.getContext("2d").drawImage(whole, 0, 0);
    whole.close();
    frame.replaceChildren(canvas);
  } catch {
    /* a picture that the browser cannot show keeps the drawing of a document */
  }
}
