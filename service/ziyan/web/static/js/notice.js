/** What went wrong, in words, with what to do; for a busy box a countdown after which it is tried again. */

import { byId, element } from "./dom.js";
import { say } from "./language.js";

const region = byId("notice");
let ticking = null;

/** Takes the notice away and stops its countdown. */
export function clearNotice() {
  clearInterval(ticking);
  region.replaceChildren();
}

/** Says why reading `name` failed. `retry` becomes a button, `retryByItself` the end of a countdown; both may be null. */
export function showFailure(failure, { name, retry, retryByItself }) {
  const body = failure.message ? element("p", {}, failure.message) : say(element("p"), advice(failure), failure.values);
  const actions = element("div", { class: "actions" });
  if (retry) actions.append(button("retry", "primary", retry));
  actions.append(button("dismiss", "plain", clearNotice));
  const heading = say(element("h2"), title(failure), { name });
  show("notice failure", heading, body, actions);
  if (failure.requestId) body.after(say(element("p", { class: "request" }), "request", { id: failure.requestId }));
  if (retryByItself && failure.retryAfterS !== null) actions.append(countdown(failure.retryAfterS, retryByItself));
}

/** Says one sentence that is no failure of the box. */
export function showRemark(key, values) {
  const actions = element("div", { class: "actions" }, button("dismiss", "plain", clearNotice));
  show("notice", say(element("p"), key, values), actions);
}

function show(kind, ...content) {
  clearNotice();
  region.append(element("div", { class: kind }, ...content));
}

function title({ status, code }) {
  if (status === 0) return "failedNetwork";
  if (status === 503) return code === "busy" ? "failedBusy" : "failedReader";
  return status < 500 ? "failedPicture" : "failedBox";
}

function advice({ status, code }) {
  if (code === "too_many_bytes") return "tooManyBytes";
  return status === 0 ? "networkAdvice" : "answerAdvice";
}

function button(key, kind, act) {
  const node = say(element("button", { type: "button", class: kind }), key);
  node.addEventListener("click", act);
  return node;
}

// Hidden from screen readers: an alert that speaks every second would drown everything else.
function countdown(seconds, act) {
  const node = element("span", { class: "countdown", "aria-hidden": "true" });
  let left = Math.max(1, seconds);
  say(node, "retryIn", { seconds: left });
  ticking = setInterval(() => {
    left -= 1;
    if (left > 0) say(node, "retryIn", { seconds: left });
    else act();
  }, 1000);
  return node;
}
