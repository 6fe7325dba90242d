/**
 * What lies on the desk: a sheet for every file that came in, and which page of which sheet is looked at.
 *
 * A sheet is {id, name, size, file, kind, state, progress, failure, pages, at, areas, job}; `kind` is "picture" or
 * "document", `state` one of waiting, working, done and failed. A page is {lines, width, height, turned, cached, seconds,
 * picture}, or null while it was not fetched; a line is as the box gave it, with `uncertain`, and with `edited` (a text)
 * or `checked` once somebody looked.
 *
 * Events: "sheets" when one came or went, "current" when another page is looked at, "state" ({sheet}) when one went on,
 * "lines" ({sheet}) when a line was edited.
 */

export const UNCERTAIN_BELOW = 0.8;
export const BLANK = [900, 1200]; // width and height of a sheet that nobody knows the size of
export const desk = new EventTarget();

let sheets = [];
let current = null;
let lastId = 0;

export const all = () => sheets;
export const looked = () => current;
export const page = (sheet = current) => sheet?.pages[sheet.at] ?? null;

/** Lays a sheet of these facts on the desk. */
export function lay(facts) {
  const sheet = { id: ++lastId, state: "waiting", progress: {}, failure: null, pages: [], at: 0, areas: {}, ...facts };
  sheets = [...sheets, sheet];
  tell("sheets");
  return sheet;
}

/** Takes `sheet` away; its neighbour is looked at instead. */
export function take(sheet) {
  const at = sheets.indexOf(sheet);
  sheets = sheets.filter((other) => other !== sheet);
  if (sheet === current) current = sheets[Math.min(at, sheets.length - 1)] ?? null;
  tell("sheets");
  tell("current");
}

/** Looks at page `at` of `sheet`. */
export function look(sheet, at = sheet.at) {
  current = sheet;
  sheet.at = Math.max(0, Math.min(at, sheet.pages.length - 1));
  tell("current");
}

/** Changes facts of `sheet`, as long as it lies on the desk. */
export function change(sheet, facts) {
  if (!sheets.includes(sheet)) return;
  Object.assign(sheet, facts);
  tell("state", { sheet });
}

/** The page that an answer of the box makes. */
export function pageOf({ lines, turned = 0, cached = false, time = null, ...others }) {
  const [width, height] = others.width > 0 ? [others.width, others.height] : BLANK; // a page that failed has none
  const known = lines.map((line) => ({ ...line, uncertain: line.score < UNCERTAIN_BELOW, edited: null, checked: false }));
  return { picture: null, ...others, lines: known, width, height, turned, cached, seconds: time };
}

/** What stands in a line now. */
export const textOf = (line) => line.edited ?? line.text;

/** Whether somebody should still look at a line. */
export const isOpen = (line) => line.uncertain && !line.checked;

/** Line `index` of the page that is looked at was looked at, and says `text`. */
export function correct(index, text) {
  const line = page().lines[index];
  Object.assign(line, { edited: text === line.text ? null : text, checked: true });
  tell("lines", { sheet: current });
}

/** Line `index` is again as the box read it. */
export function restore(index) {
  Object.assign(page().lines[index], { edited: null, checked: false });
  tell("lines", { sheet: current });
}

function tell(name, detail = {}) {
  desk.dispatchEvent(new CustomEvent(name, { detail }));
}
