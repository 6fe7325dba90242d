/** Why a sheet was not read, in words, with what to do; for a busy, hot or starting box a countdown. */

import { askHealth } from "./health.js";
import { byId, button, element } from "./dom.js";
import { Failure } from "./api.js";
import { say, sayTold } from "./language.js";
import { hasToken, keepToken } from "./token.js";

const region = byId("failed");
let shown = null;

/** Says why `sheet` failed. `onRetry` and `onTake` are what its buttons do. */
export function showFailed(sheet, { onRetry, onTake }) {
  const failure = sheet.failure instanceof Failure ? sheet.failure : new Failure({ status: 0, code: "answer" });
  if (shown !== failure) draw(sheet, failure, { onRetry, onTake }); // a countdown must not be announced every second
  shown = failure;
  const countdown = region.querySelector(".countdown");
  countdown.hidden = !sheet.retryIn;
  if (sheet.retryIn) say(countdown, "retryIn", { seconds: sheet.retryIn });
}

/** Nothing failed. */
export function clearFailed() {
  shown = null;
  region.replaceChildren();
}

function draw(sheet, failure, { onRetry, onTake }) {
  const heading = say(element("h2", { tabindex: -1, id: "failed-title" }), title(failure), { name: sheet.name });
  const body = failure.message && failure.status !== 401
    ? sayTold(element("p", { class: "why" }), failure.message)
    : say(element("p", { class: "why" }), advice(failure), failure.values);
  const countdown = element("p", { class: "countdown", "aria-hidden": "true" });
  const actions = element("div", { class: "actions" });
  const again = failure.status === 0 || failure.status >= 500 || failure.status === 429;
  if (again && sheet.file) actions.append(say(button("primary", onRetry), "retry"));
  actions.append(say(button("", onTake), "putAway"));
  region.replaceChildren(heading, body, countdown);
  if (failure.status === 401) region.append(tokenForm(onRetry));
  region.append(actions);
  if (failure.requestId) region.append(say(element("p", { class: "request" }), "request", { id: failure.requestId }));
}

function tokenForm(onRetry) {
  const field = element("input", { type: "password", id: "token", autocomplete: "current-password", required: "" });
  const keep = element("input", { type: "checkbox" });
  const form = element(
    "form",
    { class: "tokenform" },
    say(element("label", { for: "token" }), "tokenLabel"),
    field,
    element("label", { class: "ticked" }, keep, say(element("span"), "tokenKeep")),
    say(element("button", { type: "submit", class: "primary" }), hasToken() ? "tokenReplace" : "tokenSend"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(field.value.trim(), { onDevice: keep.checked });
    onRetry();
    askHealth();
  });
  return form;
}

function title({ status, code }) {
  if (status === 0) return code === "network" ? "failedNetwork" : "failedBox";
  if (status === 401 || status === 403) return "failedToken";
  if (status === 429) return "failedRate";
  if (status === 503) return { busy: "failedBusy", too_hot: "failedHot" }[code] ?? "failedReader";
  return status < 500 ? "failedPicture" : "failedBox";
}

function advice({ status, code }) {
  if (code === "too_many_bytes") return "tooManyBytes";
  if (status === 401) return code === "token_invalid" ? "tokenWrong" : "tokenAdvice";
  return status === 0 && code === "network" ? "networkAdvice" : "answerAdvice";
}
