/** What a screen reader is told while things happen: one polite live region, one sentence at a time. */

import { byId } from "./dom.js";
import { say } from "./language.js";

export function announce(key, values) {
  say(byId("announcement"), key, values);
}
