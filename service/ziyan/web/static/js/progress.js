/** True progress: the bytes that are sent, then how long the box has been reading. */

import { announce } from "./announce.js";
import { byId, bytes } from "./dom.js";
import { say } from "./language.js";

const bar = byId("bar");
let ticking = null;

/** Nothing sent yet of `total` bytes. */
export function startSending(total) {
  stopProgress();
  say(byId("stage"), "sendingTitle");
  announce("sendingTitle");
  showSent(0, total);
}

export function showSent(sent, total) {
  const share = total > 0 ? sent / total : 0;
  bar.value = share;
  say(byId("detail"), "sent", { sent: bytes(sent), total: bytes(total), percent: Math.floor(100 * share) });
}

/** The last byte is out; from here on only the time is known, so the bar has no value. */
export function startReading() {
  const began = performance.now();
  const tick = () => say(byId("detail"), "readingFor", { seconds: Math.floor((performance.now() - began) / 1000) });
  stopProgress();
  bar.removeAttribute("value");
  say(byId("stage"), "readingTitle");
  announce("readingTitle");
  tick();
  ticking = setInterval(tick, 1000);
}

export function stopProgress() {
  clearInterval(ticking);
}
