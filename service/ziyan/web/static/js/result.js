/** The answer: picture and list tied together, so that pointing at a line in one lights it up in the other. */

import { announce } from "./announce.js";
import { copyText } from "./copy.js";
import { byId, element } from "./dom.js";
import { say } from "./language.js";
import { focusLine, lightLine, listLines, watchLines } from "./lines.js";
import { lightOutline, outline, watchOutlines } from "./picture.js";

const UNCERTAIN_BELOW = 0.8;
let lines = [];
let pointed = null;
let focused = null;

/** Ties the two views and the copy buttons together, once. */
export function startResult() {
  const onPoint = (index) => {
    pointed = index;
    light();
  };
  const onFocus = (index) => {
    focused = index;
    light();
  };
  watchOutlines({ onPoint, onPick: focusLine });
  watchLines({ onPoint, onFocus, onCopy: (index) => copy(lines[index].text) });
  byId("copy-all").addEventListener("click", () => copy(lines.map((line) => line.text).join("\n")));
}

/** Shows the answer of POST /api/ocr. */
export function showResult(answer) {
  lines = answer.lines.map((line) => ({ ...line, uncertain: line.score < UNCERTAIN_BELOW }));
  pointed = focused = null;
  outline(lines, answer.width, answer.height);
  listLines(lines);
  light();
  summarize(answer);
}

function light() {
  const index = pointed ?? focused;
  lightOutline(index);
  lightLine(index);
  byId("caption").textContent = index === null ? "" : lines[index].text;
}

function summarize(answer) {
  const count = lines.length;
  const uncertain = lines.filter((line) => line.uncertain).length;
  const time = answer.cached ? "resultCached" : "resultTime";
  const facts = [say(element("span"), time, { seconds: answer.time.toFixed(2) })];
  if (uncertain > 0) facts.push(say(element("span", { class: "to-check" }), "resultUncertain", { count: uncertain }));
  say(byId("result-title"), count > 0 ? "resultTitle" : "nothingTitle", { count });
  byId("facts").replaceChildren(...facts);
  byId("nothing").hidden = count > 0;
  byId("copy-all").hidden = count === 0;
  announce(count > 0 ? "resultTitle" : "nothingTitle", { count });
}

async function copy(text) {
  announce((await copyText(text)) ? "copied" : "copyRefused");
  const toast = byId("toast");
  toast.textContent = byId("announcement").textContent;
  toast.classList.remove("shown");
  void toast.offsetWidth; // lets the animation begin anew
  toast.classList.add("shown");
}
