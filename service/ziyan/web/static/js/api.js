/** Speaks to the box. The only module that knows its URLs and the shape of its errors. */

/** Why a picture was not read. `status` is 0 when no answer came; `retryAfterS` is null unless the box named it. */
export class Failure extends Error {
  constructor({ status, code, message = "", requestId = "", retryAfterS = null }) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfterS });
  }
}

/**
 * The answer of POST /api/ocr for `file`, or a Failure.
 *
 * XMLHttpRequest, because fetch cannot tell how many bytes are already sent: `onSent(sent, total)` is told during the
 * upload, `onReading()` when the last byte is out. Aborting `signal` stops both.
 */
export function readPicture(file, { signal, onSent, onReading }) {
  const request = new XMLHttpRequest();
  const form = new FormData();
  form.append("image", file, file.name || "picture");
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => onSent(event.loaded, event.total));
    request.upload.addEventListener("load", onReading);
    request.addEventListener("load", () => settle(request, resolve, reject));
    request.addEventListener("error", () => reject(new Failure({ status: 0, code: "network" })));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/api/ocr");
    request.setRequestHeader("Accept", "application/json");
    request.send(form);
  });
}

function settle(request, resolve, reject) {
  const answer = parsed(request.responseText);
  if (request.status === 200 && Array.isArray(answer?.lines)) resolve(answer);
  else reject(failure(request, answer));
}

function failure(request, answer) {
  const retryAfter = Number.parseInt(request.getResponseHeader("Retry-After") ?? "", 10);
  return new Failure({
    status: request.status,
    code: answer?.error?.code ?? "answer",
    message: answer?.error?.message ?? "",
    requestId: answer?.error?.request_id ?? "",
    retryAfterS: Number.isNaN(retryAfter) ? null : retryAfter,
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
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
