/** Speaks to the box. The only module that knows its URLs and the shape of its errors. */

import { authorization } from "./token.js";

/** Why something was not done. `status` is 0 when no answer came; `retryAfterS` is null unless the box named it. */
export class Failure extends Error {
  constructor({ status, code, message = "", requestId = "", retryAfterS = null, values = {} }) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfterS, values });
  }
}

/** The answer of POST /api/ocr for `file`, or a Failure. See `send` for the rest. */
export function readPicture(file, { asked, ...watching }) {
  return send("/api/ocr", { image: file, ...asked }, { ...watching, isAnswer: (answer) => Array.isArray(answer.lines) });
}

/** The job that POST /api/jobs makes of `file`. */
export function sendDocument(file, { asked, ...watching }) {
  return send("/api/jobs", { file, ...asked }, { ...watching, isAnswer: (answer) => Boolean(answer.id) });
}

/** How far request `id` is: {state, ahead, stage, done, of}; null while the box does not know it. */
export async function fetchProgress(id, { signal }) {
  return ask(`/api/progress/${encodeURIComponent(id)}`, { signal }).catch(() => null);
}

/** The state of a job. */
export const fetchJob = (id, { signal }) => ask(`/api/jobs/${encodeURIComponent(id)}`, { signal });

/** Page `number` (from 1) of a job, with its picture, a Blob or null. */
export async function fetchJobPage(id, number) {
  const url = `/api/jobs/${encodeURIComponent(id)}/pages/${number}`;
  const [page, picture] = await Promise.all([ask(url), askFile(`${url}/picture`).catch(() => null)]);
  return { ...page, picture: picture?.blob ?? null };
}

/** Lets the lines of page `number` of a job say `texts`, in every file that the box makes of it from now on. */
export const correctJobPage = (id, number, texts) =>
  ask(`/api/jobs/${encodeURIComponent(id)}/pages/${number}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ lines: texts }),
  });

/** Ends a job, or forgets one that is done. */
export const deleteJob = (id) => ask(`/api/jobs/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => null);

/** A job's result as a file. */
export const fetchJobFile = (id, format) => askFile(`/api/jobs/${encodeURIComponent(id)}/result?format=${format}`);

/** `page` as a file of `format` called `name`; a PDF needs the picture. */
export function exportPage(page, { format, name, image }) {
  const form = new FormData();
  form.append("page", JSON.stringify(page));
  form.append("format", format);
  form.append("name", name);
  if (image) form.append("image", image, "picture.jpg");
  return askFile("/api/export", { method: "POST", body: form });
}

/** What GET /health says, whether 200 or 503; null when the box does not answer within `timeoutMs`. */
export async function fetchHealth(timeoutMs = 8000) {
  try {
    const response = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(timeoutMs) });
    return await response.json();
  } catch {
    return null;
  }
}

/**
 * The answer to a form of `fields` posted to `url`, or a Failure.
 *
 * XMLHttpRequest, because fetch cannot tell how many bytes are already sent: `onSent(sent, total)` is told during the
 * upload, `onAllSent()` when the last byte is out. Aborting `signal` stops both.
 */
function send(url, fields, { signal, headers = {}, onSent, onAllSent, isAnswer }) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) append(form, name, value);
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => onSent(event.loaded, event.total));
    request.upload.addEventListener("load", onAllSent);
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status < 300 && answer && isAnswer(answer)) resolve(answer);
      else reject(failure(request.status, answer, request.getResponseHeader("Retry-After")));
    });
    request.addEventListener("error", () => reject(new Failure({ status: 0, code: "network" })));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", url);
    const told = { Accept: "application/json", ...authorization(), ...headers };
    for (const [name, value] of Object.entries(told)) request.setRequestHeader(name, value);
    request.send(form);
  });
}

function append(form, name, value) {
  if (value instanceof Blob) form.append(name, value, value.name || "picture");
  else form.append(name, typeof value === "string" ? value : JSON.stringify(value));
}

async function ask(url, options = {}) {
  const response = await answered(url, options);
  const answer = parsed(await response.text());
  if (answer === null && response.status !== 204) throw new Failure({ status: response.status, code: "answer" });
  return answer;
}

/** The answer as {blob, name}; its name is what the box calls it, null where it does not. */
async function askFile(url, options = {}) {
  const response = await answered(url, options);
  const named = /filename\*?=(?:UTF-8'')?"?([^";]+)/i.exec(response.headers.get("Content-Disposition") ?? "");
  return { blob: await response.blob(), name: named ? decodeURIComponent(named[1]) : null };
}

async function answered(url, { headers = {}, ...options }) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", headers: { ...authorization(), ...headers }, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ status: 0, code: "network" });
  }
  if (response.ok) return response;
  throw failure(response.status, parsed(await response.text()), response.headers.get("Retry-After"));
}

function failure(status, answer, retryAfter) {
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Failure({
    status,
    code: answer?.error?.code ?? "answer",
    message: answer?.error?.message ?? "",
    requestId: answer?.error?.request_id ?? "",
    retryAfterS: Number.isNaN(seconds) ? null : seconds,
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
