/** The page's story: a picture comes in, is sent, is read, and is shown with its lines; or it is said why not. */

import { announce } from "./announce.js";
import { Failure, readPicture } from "./api.js";
import { byId, bytes } from "./dom.js";
import { askHealth, startHealth } from "./health.js";
import { startIntake } from "./intake.js";
import { say, startLanguage } from "./language.js";
import { clearNotice, showFailure, showRemark } from "./notice.js";
import { clearPicture, showPicture } from "./picture.js";
import { showSent, startReading, startSending, stopProgress } from "./progress.js";
import { showResult, startResult } from "./result.js";

const RETRIES = 5; // by itself, after the wait that the box asked for; a press on the button starts anew
const options = JSON.parse(document.body.dataset.options);
const limitBytes = options.limits?.body_bytes ?? Infinity;
let reading = new AbortController();
let file = null;

function onFiles(files) {
  if (files.length === 0) {
    showRemark("noPicture");
    return;
  }
  read(files[0]);
  if (files.length > 1) showRemark("onlyFirst", { count: files.length });
}

async function read(picture, attempt = 0) {
  reading.abort(); // a new picture takes the place of one under way
  const mine = (reading = new AbortController());
  file = picture;
  clearNotice();
  enter("working");
  showPicture(file);
  startSending(file.size);
  try {
    refuseTooLarge(file);
    const answer = await readPicture(file, { signal: mine.signal, onSent: showSent, onReading: startReading });
    showResult(answer);
    enter("done");
  } catch (error) {
    if (mine === reading) giveUp(error, attempt);
  }
  askHealth();
}

function giveUp(error, attempt) {
  stopProgress();
  enter("empty");
  clearPicture();
  if (!(error instanceof Failure)) {
    if (error.name !== "AbortError") throw error;
    announce("cancelled");
    return;
  }
  const again = error.status === 0 || error.status >= 500;
  showFailure(error, {
    name: file.name,
    retry: again ? () => read(file) : null,
    retryByItself: attempt < RETRIES ? () => read(file, attempt + 1) : null,
  });
}

// The box would refuse it too, but only after closing the connection in the middle of the upload.
function refuseTooLarge({ size }) {
  if (size <= limitBytes) return;
  const failure = new Failure({ status: 413, code: "too_many_bytes" });
  throw Object.assign(failure, { values: { size: bytes(size), limit: bytes(limitBytes) } });
}

/** Shows one of empty, working and done, and keeps the keyboard where something is. */
function enter(state) {
  const focusLost = document.activeElement !== document.body;
  document.body.dataset.state = state;
  if (state !== "working") stopProgress();
  const heading = byId({ empty: "headline", working: "stage", done: "result-title" }[state]);
  if (focusLost) heading.focus({ preventScroll: state === "working" });
}

function sayLimits() {
  const formats = (options.formats ?? []).join(" · ");
  if (formats) say(byId("formats"), "formats", { formats, limit: bytes(limitBytes) });
}

startLanguage(byId("languages"));
sayLimits();
startIntake(onFiles);
startResult();
startHealth();
byId("cancel").addEventListener("click", () => reading.abort());
