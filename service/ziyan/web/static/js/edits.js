/** Edits of a document's pages are kept on the box, so that the files that it makes of the whole hold them. */

import { toast } from "./announce.js";
import { correctJobPage } from "./api.js";
import { desk, textOf } from "./desk.js";

const underWay = new WeakMap();

export function startEdits() {
  desk.addEventListener("lines", ({ detail: { sheet } }) => {
    if (sheet.kind === "document") keep(sheet, sheet.at);
  });
}

/** Resolves when the box has every edit of `sheet`; rejects with why it has not. */
export const kept = (sheet) => underWay.get(sheet) ?? Promise.resolve();

function keep(sheet, at) {
  const before = kept(sheet).catch(() => {}); // one after the other; a later one brings what an earlier one lost
  const now = before.then(() => correctJobPage(sheet.job, at + 1, sheet.pages[at].lines.map(textOf)));
  underWay.set(sheet, now);
  now.catch((error) => (error.message ? toast("told", { text: error.message }) : toast("networkAdvice")));
}
