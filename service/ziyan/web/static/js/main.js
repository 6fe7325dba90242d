/** The page's story: files come in and lie on the desk, are read one after the other, and are looked at. */

import { announce, toast } from "./announce.js";
import { box } from "./box.js";
import { desk, lay, look, looked, page, take } from "./desk.js";
import { byId, bytes } from "./dom.js";
import { startDownloads } from "./downloads.js";
import { startEdits } from "./edits.js";
import { clearFailed, showFailed } from "./failed.js";
import { startHealth } from "./health.js";
import { startIntake } from "./intake.js";
import { say, startLanguage } from "./language.js";
import { startOptions } from "./options.js";
import { clearPicture, isShown, showPicture } from "./picture.js";
import { showProgress, stopProgress } from "./progress.js";
import { rememberedJobs } from "./remember.js";
import { announceResult, showResult, startResult } from "./result.js";
import { showLooked, showState, showStrip } from "./strip.js";
import { startViewer } from "./viewer.js";
import { fetchPage, follow, readAgain, stop, work } from "./work.js";

const DOCUMENT = /\.(pdf|zip|tiff?)$/i;
const HEADINGS = { waiting: "working-title", working: "working-title", failed: "failed-title", done: "result-title" };
let shown = null; // the page whose lines are shown

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

/** Shows the sheet that is looked at, in whatever state it is. */
function show() {
  const sheet = looked();
  document.body.dataset.state = sheet ? "desk" : "empty";
  if (sheet) {
    say(byId("desk-name"), "deskName", { name: sheet.name });
    fetchMissing(sheet);
    showView(sheet);
    showSide(sheet);
  } else {
    shown = null;
    stopProgress();
    clearPicture();
    clearFailed();
  }
}

// A document's page is fetched when it is first looked at.
function fetchMissing(sheet) {
  if (sheet.kind !== "document" || sheet.pages.length === 0 || page(sheet)) return;
  fetchPage(sheet).catch((error) => toast("told", { text: error.message || "network" }));
}

function showView(sheet) {
  const known = page(sheet);
  const picture = sheet.kind === "picture" ? sheet.file : (known?.picture ?? null);
  if (!isShown(picture) || (known === null && shown !== null)) showPicture(picture, sheet);
  if (known && known !== shown) showResult(sheet, { onForce: () => readAgain(Object.assign(sheet, { force: true })) });
  shown = known;
  byId("pager").hidden = sheet.pages.length < 2;
  say(byId("page-number"), "pageNumber", { page: sheet.at + 1, pages: sheet.told?.pages ?? sheet.pages.length });
  byId("page-back").disabled = sheet.at === 0;
  byId("page-next").disabled = sheet.at >= sheet.pages.length - 1;
}

function showSide(sheet) {
  const side = byId("side");
  const before = side.dataset.show;
  const now = { done: page(sheet) ? "done" : "opening", working: page(sheet) ? "partly" : "working" }[sheet.state] ?? sheet.state;
  const held = side.contains(document.activeElement) || document.activeElement === document.body;
  side.dataset.show = now;
  if (now !== "failed") clearFailed();
  if (["waiting", "working", "partly"].includes(now)) showProgress(sheet);
  else stopProgress();
  if (now === "failed") showFailed(sheet, { onRetry: () => readAgain(sheet), onTake: () => putAway(sheet) });
  if (before === now) return;
  if (now === "done" && before !== "partly") announceResult();
  // a control that went away takes the focus with it: the heading of what came instead keeps the place
  if (held) byId(HEADINGS[now])?.focus({ preventScroll: true });
}

function onState({ detail: { sheet } }) {
  showState(sheet);
  if (sheet === looked()) show();
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
say(byId("formats"), "formats", { formats: box.formats.join(" · "), limit: bytes(box.bodyBytes) });
byId("documents").hidden = !box.readsDocuments;
say(byId("documents"), "documents", { limit: bytes(box.documents.body_bytes ?? box.bodyBytes), pages: box.documents.pages ?? 0 });
startViewer();
startResult();
startDownloads();
startEdits();
startOptions(readAgain);
startIntake(onFiles);
startHealth();
desk.addEventListener("sheets", () => showStrip(putAway));
desk.addEventListener("current", () => {
  show();
  showLooked();
});
desk.addEventListener("state", onState);
byId("cancel").addEventListener("click", () => putAway(looked()));
byId("page-back").addEventListener("click", () => look(looked(), looked().at - 1));
byId("page-next").addEventListener("click", () => look(looked(), looked().at + 1));
document.addEventListener("keydown", onKey);
findAgain();
