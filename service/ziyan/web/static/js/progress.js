/** True progress of the sheet that is looked at: bytes sent, place in the queue, line 7 of 23, page 3 of 12. */

import { announce } from "./announce.js";
import { box } from "./box.js";
import { byId, bytes, element } from "./dom.js";
import { say } from "./language.js";
import { shareOf } from "./strip.js";

const bar = byId("bar");
let ticking = null;
let told = "";

/** Shows how far `sheet` is. */
export function showProgress(sheet) {
  clearInterval(ticking);
  const { state, kind, progress } = sheet;
  const step = state === "waiting" ? "waiting" : progress.step;
  const share = shareOf(sheet);
  if (share === null || state === "waiting") bar.removeAttribute("value");
  else bar.value = share;
  bar.hidden = state === "waiting";
  say(byId("working-title"), `title_${step}`, progress);
  showSteps(kind, step, sheet);
  if (step === "read") ticking = setInterval(() => showSteps(kind, step, sheet), 1000);
  say(byId("working-hint"), kind === "document" ? "hint_document" : "hint_picture");
  byId("working-hint").hidden = kind !== "document" || step === "send" || step === "waiting";
  tell(sheet, step);
}

/** Nothing is under way. */
export function stopProgress() {
  clearInterval(ticking);
  told = "";
}

// Each step once, and lines and pages by quarters: a screen reader is told where things are, not every byte.
function tell(sheet, step) {
  const quarter = Math.floor(4 * (shareOf(sheet) ?? 0));
  const now = `${sheet.id} ${step} ${step === "send" ? "" : quarter}`;
  if (now === told) return;
  told = now;
  announce(`title_${step}`, sheet.progress);
}

function stepsOf(kind) {
  if (kind === "document") return ["send", "queue", "pages"];
  return box.tellsProgress ? ["send", "queue", "detect", "lines"] : ["send", "read"];
}

function showSteps(kind, step, { progress }) {
  const steps = stepsOf(kind);
  // "read" is a box that has not told more yet, "accept" one that writes the document down
  const at = { waiting: -1, read: box.tellsProgress ? 0.5 : 1, accept: 0.5 }[step] ?? steps.indexOf(step);
  const items = steps.map((name, index) => {
    const now = index === at;
    const item = element("li", { "data-step": now ? "now" : index < at ? "done" : "todo" });
    if (now) item.setAttribute("aria-current", "step");
    return say(item, now ? `step_${name}_now` : `step_${name}`, valuesOf(progress));
  });
  byId("steps").replaceChildren(...items);
}

function valuesOf({ sent, total, since, ...others }) {
  const percent = total > 0 ? Math.floor((100 * sent) / total) : 0;
  const seconds = since ? Math.floor((performance.now() - since) / 1000) : 0;
  return { ...others, sent: bytes(sent ?? 0), total: bytes(total ?? 0), percent, seconds };
}
