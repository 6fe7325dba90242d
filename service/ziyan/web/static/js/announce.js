/** What a screen reader is told while things happen: one polite live region, one sentence at a time. */

import { byId } from "./dom.js";
import { say } from "./language.js";

export function announce(key, values) {
  say(byId("announcement"), key, values);
}

/** The same, shown to everybody for a moment. */
export function toast(key, values) {
  announce(key, values);
  const node = byId("toast");
  say(node, key, values);
  node.classList.remove("shown");
  void node.offsetWidth; // lets the animation begin anew
  node.classList.add("shown");
}
