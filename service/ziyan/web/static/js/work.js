/**
 * Has the sheets read, one upload at a time: a picture by /api/ocr, a document by a job that goes on without this page.
 *
 * A box that is busy, hot or starting names a time after which to ask again; the sheet then waits for it by itself.
 */

import { deleteJob, Failure, fetchJob, fetchJobPage, fetchProgress, readPicture, sendDocument } from "./api.js";
import { box } from "./box.js";
import { bytes } from "./dom.js";
import { all, change, desk, pageOf } from "./desk.js";
import { askHealth } from "./health.js";
import { asked } from "./options.js";
import { forgetJob, rememberJob } from "./remember.js";

const RETRIES = 5; // by itself, after a failure that the picture may have caused; a hot or busy box is asked until it reads
const PROGRESS_EVERY_MS = 250;
const JOB_EVERY_MS = 700;
const stops = new Map();
let sending = false;

/** Goes on with the first sheet that waits, unless one is being sent. */
export async function work() {
  const sheet = all().find(({ state }) => state === "waiting");
  if (sending || !sheet) return;
  sending = true;
  await read(sheet);
  sending = false;
  work();
}

/** Has `sheet` read anew. */
export function readAgain(sheet) {
  stop(sheet);
  change(sheet, { state: "waiting", failure: null, progress: {}, pages: [], at: 0, job: null, told: null });
  work();
}

/** Ends what is under way for `sheet`, here and on the box. */
export function stop(sheet) {
  stops.get(sheet)?.abort();
  stops.delete(sheet);
  if (sheet.job) {
    deleteJob(sheet.job);
    forgetJob(sheet.job);
  }
}

/** Follows a job that an earlier visit began. */
export function follow(sheet) {
  const stopping = new AbortController();
  stops.set(sheet, stopping);
  return watched(sheet, stopping, () => followJob(sheet, stopping.signal));
}

async function read(sheet) {
  const stopping = new AbortController();
  stops.set(sheet, stopping);
  for (let attempt = 0; ; attempt += 1) {
    const failure = await watched(sheet, stopping, () => {
      refuseTooLarge(sheet);
      return sheet.kind === "document" ? sendJob(sheet, stopping.signal) : readOne(sheet, stopping.signal);
    });
    if (!mayRetry(failure, attempt)) return;
    await patience(sheet, failure, stopping.signal);
    if (stopping.signal.aborted) return;
  }
}

/** The Failure that `doing` ended in, after it was said; null where it ended well or was stopped. */
async function watched(sheet, stopping, doing) {
  try {
    await doing();
    return null;
  } catch (error) {
    if (stopping.signal.aborted || error.name === "AbortError") return null;
    change(sheet, { state: "failed", failure: error });
    if (!(error instanceof Failure)) throw error;
    return error;
  } finally {
    askHealth();
  }
}

async function readOne(sheet, signal) {
  const id = crypto.getRandomValues(new Uint32Array(2)).reduce((text, part) => text + part.toString(16).padStart(8, "0"), "");
  const done = new AbortController();
  change(sheet, { state: "working", failure: null, progress: { step: "send", sent: 0, total: sheet.size } });
  try {
    const answer = await readPicture(sheet.file, {
      asked: asked(sheet),
      headers: box.tellsProgress ? { "X-Request-ID": id } : {},
      signal,
      onSent: (sent, total) => change(sheet, { progress: { step: "send", sent, total } }),
      onAllSent: () => {
        change(sheet, { progress: { step: "read", since: performance.now() } });
        if (box.tellsProgress) tellProgress(sheet, id, done.signal);
      },
    });
    change(sheet, { state: "done", pages: [pageOf(answer)], at: 0 });
  } finally {
    done.abort();
  }
}

async function tellProgress(sheet, id, signal) {
  const since = performance.now();
  while (!signal.aborted) {
    const told = await fetchProgress(id, { signal });
    if (signal.aborted) return;
    if (told) change(sheet, { progress: { ...stepOf(told), since } });
    await pause(PROGRESS_EVERY_MS, signal);
  }
}

async function sendJob(sheet, signal) {
  change(sheet, { state: "working", failure: null, progress: { step: "send", sent: 0, total: sheet.size } });
  const { id } = await sendDocument(sheet.file, {
    asked: { ...asked(sheet), ...(sheet.force ? { force: true } : {}) },
    signal,
    onSent: (sent, total) => change(sheet, { progress: { step: "send", sent, total } }),
    onAllSent: () => change(sheet, { progress: { step: "accept" } }),
  });
  change(sheet, { job: id });
  rememberJob({ id, name: sheet.name, size: sheet.size });
  watched(sheet, { signal }, () => followJob(sheet, signal)); // the box reads on while the next sheet is sent
}

async function followJob(sheet, signal) {
  for (;;) {
    const job = await fetchJob(sheet.job, { signal });
    if (job.state === "failed" || job.state === "cancelled") throw failed(job);
    const pages = Array.from({ length: job.pages_done }, (_, at) => sheet.pages[at] ?? null);
    if (job.state === "done") {
      change(sheet, { state: "done", pages, told: job });
      return;
    }
    change(sheet, { state: "working", pages, told: job, progress: jobStep(job) });
    await pause(JOB_EVERY_MS, signal);
  }
}

/** Fetches the page of a document that is looked at. */
export async function fetchPage(sheet) {
  const { at, job } = sheet;
  const page = pageOf(await fetchJobPage(job, at + 1));
  if (sheet.job !== job || sheet.pages[at]) return;
  change(sheet, { pages: sheet.pages.map((other, index) => (index === at ? page : other)) });
}

function failed({ state, error }) {
  return new Failure({ status: state === "failed" ? 422 : 410, code: error?.code ?? state, message: error?.message ?? "" });
}

function stepOf({ state, ahead, stage, done, of }) {
  if (state === "waiting") return { step: "queue", place: ahead };
  if (stage === "recognize" && of > 0) return { step: "lines", line: Math.min(done + 1, of), lines: of };
  return { step: "detect" };
}

function jobStep({ state, queue_position: place, pages_done: pagesDone, pages, estimate_s: left, stage, done, of }) {
  if (state === "queued") return { step: "queue", place };
  const lines = stage === "recognize" ? of : 0;
  return { step: "pages", page: Math.min(pagesDone + 1, pages ?? 1), pages, left, line: Math.min(done + 1, lines), lines };
}

// The box would refuse it too, but only after closing the connection in the middle of the upload.
function refuseTooLarge({ size, kind }) {
  const limit = (kind === "document" && box.documents.body_bytes) || box.bodyBytes;
  if (size <= limit) return;
  throw new Failure({ status: 413, code: "too_many_bytes", values: { size: bytes(size), limit: bytes(limit) } });
}

function mayRetry(failure, attempt) {
  if (!failure || failure.retryAfterS === null) return false;
  return attempt < RETRIES || ["busy", "too_hot", "too_many_requests", "jobs_full"].includes(failure.code);
}

async function patience(sheet, { retryAfterS }, signal) {
  for (let left = Math.max(1, retryAfterS); left > 0 && !signal.aborted; left -= 1) {
    change(sheet, { retryIn: left });
    await pause(1000, signal);
  }
  if (!signal.aborted) change(sheet, { retryIn: null });
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

desk.addEventListener("sheets", () => {
  for (const [sheet, stopping] of stops) {
    if (all().includes(sheet)) continue;
    stopping.abort();
    stops.delete(sheet);
  }
});
