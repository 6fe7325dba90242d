/** The answer: picture and list tied together, so that pointing at a line in one lights it up in the other. */

import { announce, toast } from "./announce.js";
import { copyText } from "./copy.js";
import { correct, isOpen, page, restore, textOf } from "./desk.js";
import { byId, button, element, icon, languageOf } from "./dom.js";
import { say, sayTold } from "./language.js";
import { editLine, focusLine, lightLine, listAgain, listLines, revealLine, watchLines } from "./lines.js";
import { isVertical, lightOutline, outline, outlineAgain, watchOutlines } from "./picture.js";
import { reveal } from "./viewer.js";

let pointed = null;
let focused = null;
let editing = null;
let forcing = null;

/** Ties the views and the copy buttons together, once. */
export function startResult() {
  const onFocus = (index) => {
    focused = index;
    const outlined = light();
    if (outlined) reveal(outlined);
  };
  watchOutlines({
    onPoint: (index) => {
      pointed = index;
      light();
      if (index !== null) revealLine(index);
    },
    onPick: (index) => {
      showAs("lines");
      focusLine(index);
    },
  });
  watchLines({
    onPoint: (index) => {
      pointed = index;
      const outlined = light();
      if (index !== null) reveal(outlined);
    },
    onFocus,
    onCopy: (index) => copy(textOf(page().lines[index])),
    onEdit: edit,
    onRestore: (index) => {
      restore(index);
      listAgain(page().lines[index], index);
      drawAgain(index);
      focusLine(index);
    },
    onSave: save,
    onLeave: leave,
  });
  byId("copy-all").addEventListener("click", () => copy(runningText()));
  byId("how-lines").addEventListener("click", () => showAs("lines"));
  byId("how-text").addEventListener("click", () => showAs("text"));
}

/** Shows the page of `sheet` that is looked at; `onForce` reads text anew that the document itself carries. */
export function showResult(sheet, { onForce }) {
  pointed = focused = editing = null;
  forcing = sheet.file ? onForce : null;
  outline(page());
  listLines(page().lines);
  showText();
  light();
  summarize();
}

/** How many lines were found, for who cannot see it. */
export function announceResult() {
  const count = page().lines.length;
  announce(count > 0 ? "resultTitle" : "nothingTitle", { count });
}

/** The text of the page that is looked at, in the lines, rows or paragraphs that were asked for, with its edits. */
export function runningText() {
  const { lines, text } = page();
  if (!text) return lines.map(textOf).join("\n");
  const blocks = text.map((block) => ({ done: "", left: block }));
  for (const [index, line] of lines.entries()) {
    const block = blocks[line.block ?? index];
    const at = block ? block.left.indexOf(line.text) : -1;
    if (at < 0) continue;
    block.done += block.left.slice(0, at) + textOf(line);
    block.left = block.left.slice(at + line.text.length);
  }
  return blocks.map(({ done, left }) => done + left).join("\n");
}

function edit(index) {
  if (editing !== null) leave(editing, { keepFocus: true });
  editing = index;
  showAs("lines");
  editLine(page(), index);
}

function save(index, text) {
  const wasOpen = isOpen(page().lines[index]);
  correct(index, text || page().lines[index].text);
  editing = null;
  listAgain(page().lines[index], index);
  drawAgain(index);
  const next = page().lines.findIndex((line, at) => at > index && isOpen(line));
  if (wasOpen && next >= 0) edit(next); // who checks one doubtful line checks the next
  else focusLine(index);
}

function leave(index, { keepFocus = false } = {}) {
  editing = null;
  listAgain(page().lines[index], index);
  if (!keepFocus) focusLine(index);
}

function drawAgain(index) {
  outlineAgain(page(), index);
  showText();
  light();
  summarize();
}

function showAs(how) {
  for (const name of ["lines", "text"]) {
    byId(name).hidden = name !== how || page().lines.length === 0;
    byId(`how-${name}`).setAttribute("aria-pressed", String(name === how));
  }
}

function showText() {
  const { lines } = page();
  const text = runningText();
  const columns = lines.length > 0 && lines.filter(isVertical).length > lines.length / 2;
  byId("text").textContent = text;
  byId("text").lang = languageOf(text);
  byId("text").classList.toggle("vertical", columns);
  showAs(byId("how-text").getAttribute("aria-pressed") === "true" ? "text" : "lines");
}

function light() {
  const index = pointed ?? focused;
  const outlined = lightOutline(index);
  lightLine(index);
  const line = index === null ? null : page().lines[index];
  byId("caption").textContent = line ? textOf(line) : "";
  byId("caption").lang = line ? languageOf(textOf(line)) : "";
  return outlined;
}

function summarize() {
  const { lines, seconds, cached, capped, turned, error, source } = page();
  const count = lines.length;
  const open = lines.filter(isOpen).length;
  const facts = [];
  const fact = (key, values) => facts.push(say(element("span"), key, values));
  if (cached) fact("resultCached");
  else if (seconds !== null) fact("resultTime", { seconds: seconds.toFixed(2) });
  if (capped) fact("resultCapped");
  if (source === "text") {
    fact("resultCarried");
    if (forcing) facts.push(say(button("small", forcing), "readAnyway"));
  }
  if (turned) fact("resultTurned", { degrees: turned });
  if (count > 0 && lines.filter(isVertical).length > count / 2) fact("resultVertical");
  if (open > 0) {
    const first = () => edit(page().lines.findIndex(isOpen));
    facts.push(button("to-check", first, icon("edit"), say(element("span"), "resultUncertain", { count: open })));
  }
  say(byId("result-title"), error ? "pageFailed" : count > 0 ? "resultTitle" : "nothingTitle", { count });
  byId("facts").replaceChildren(...facts);
  byId("nothing").hidden = count > 0;
  if (error) sayTold(byId("nothing"), error.message);
  else say(byId("nothing"), "nothingAdvice");
  byId("result-bar").hidden = count === 0;
}

async function copy(text) {
  toast((await copyText(text)) ? "copied" : "copyRefused");
}
