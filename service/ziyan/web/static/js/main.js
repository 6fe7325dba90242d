/** The page's story: files come in and lie on the desk, are read one after the other, and are looked at. */

import { announce, toast } from "./announce.js";
import { box } from "./box.js";
import { desk, lay, look, looked, take } from "./desk.js";
import { byId, bytes } from "./dom.js";
import { startDownloads } from "./downloads.js";
import { clearFailed, showFailed } from "./failed.js";
import { startHealth } from "./health.js";
import { startIntake } from "./intake.js";
import { say, startLanguage } from "./language.js";
import { startOptions } from "./options.js";
import { clearOutlines, clearPicture, isShown, showPicture } from "./picture.js";
import { showProgress, stopProgress } from "./progress.js";
import { rememberedJobs } from "./remember.js";
import { announceResult, showResult, startResult } from "./result.js";
import { showLooked, showState, showStrip } from "./strip.js";
import { startViewer } from "./viewer.js";
import { follow, readAgain, stop, work } from "./work.js";

const DOCUMENT = /\.(pdf|zip|tiff?)$/i;
const HEADINGS = { waiting: "working-title", working: "working-title", failed: "failed-title", done: "result-title" };

function onFiles(files) {
  if (files.length === 0) {
    toast("noPicture");
    return;
  }
  const laid = files.map((file) => lay({ file, name: file.name || "picture", size: file.size, kind: kindOf(file) }));
  look(laid[0]);
  work();
}

function kindOf({ name, type }) {
  return box.readsDocuments && (DOCUMENT.test(name) || type === "application/pdf") ? "document" : "picture";
}

/** Shows the page that is looked at, in whatever state its sheet is. */
function show() {
  const sheet = looked();
  document.body.dataset.state = sheet ? "desk" : "empty";
  showLooked();
  if (!sheet) {
    stopProgress();
    clearPicture();
    clearFailed();
    return;
  }
  const file = sheet.kind === "picture" ? sheet.file : null;
  if (!isShown(file)) showPicture(file, sheet.name);
  clearOutlines();
  say(byId("desk-name"), "deskName", { name: sheet.name });
  showSide(sheet);
}

function showSide(sheet) {
  const side = byId("side");
  const before = side.dataset.show;
  const held = byId("side").contains(document.activeElement) || document.activeElement === document.body;
  side.dataset.show = sheet.state;
  if (sheet.state !== "failed") clearFailed();
  if (sheet.state === "done") {
    stopProgress();
    showResult();
    showPager(sheet);
  } else if (sheet.state === "failed") {
    stopProgress();
    showFailed(sheet, { onRetry: () => readAgain(sheet), onTake: () => putAway(sheet) });
  } else showProgress(sheet);
  byId("pager").hidden = sheet.pages.length < 2;
  // a control that went away takes the focus with it: the heading of what came instead keeps the place
  if (before !== sheet.state && held) byId(HEADINGS[sheet.state])?.focus({ preventScroll: true });
}

function showPager({ pages, at }) {
  say(byId("page-number"), "pageNumber", { page: at + 1, pages: pages.length });
  byId("page-back").disabled = at === 0;
  byId("page-next").disabled = at === pages.length - 1;
}

function onState({ detail: { sheet } }) {
  showState(sheet);
  if (sheet !== looked()) return;
  if (sheet.state === "done") announceResult();
  if (sheet.state === "done" || byId("side").dataset.show !== sheet.state) show();
  else showSide(sheet);
}

function putAway(sheet) {
  const was = sheet.state;
  stop(sheet);
  take(sheet);
  if (was === "working" || was === "waiting") announce("cancelled");
  if (looked() === null) byId("headline").focus({ preventScroll: true });
  else byId("desk-name").focus({ preventScroll: true });
}

/** Documents that an earlier visit handed over lie on the desk again. */
function findAgain() {
  if (!box.readsDocuments) return;
  const found = rememberedJobs().map(({ id, name, size }) =>
    lay({ file: null, name, size, kind: "document", job: id, state: "working", progress: { step: "accept" } }),
  );
  found.forEach(follow);
  if (found.length > 0) look(found.at(-1));
}

function onKey(event) {
  const sheet = looked();
  if (!sheet || event.target.closest("input, textarea, select, [role=dialog]") || event.ctrlKey || event.metaKey) return;
  const step = { PageDown: 1, PageUp: -1 }[event.key];
  if (!step || sheet.pages.length < 2) return;
  event.preventDefault();
  look(sheet, sheet.at + step);
}

startLanguage(byId("languages"));
say(byId("formats"), "formats", {
  formats: [...box.formats, ...(box.readsDocuments ? ["PDF", "ZIP"] : [])].join(" · "),
  limit: bytes(box.bodyBytes),
});
startViewer();
startResult();
startDownloads();
startOptions(readAgain);
startIntake(onFiles);
startHealth();
desk.addEventListener("sheets", () => showStrip(putAway));
desk.addEventListener("current", show);
desk.addEventListener("state", onState);
byId("cancel").addEventListener("click", () => putAway(looked()));
byId("page-back").addEventListener("click", () => look(looked(), looked().at - 1));
byId("page-next").addEventListener("click", () => look(looked(), looked().at + 1));
document.addEventListener("keydown", onKey);
findAgain();
