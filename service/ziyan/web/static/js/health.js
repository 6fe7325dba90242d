/** The line at the foot: how the box feels, asked for every ten seconds while somebody looks. */

import { fetchHealth } from "./api.js";
import { byId, element } from "./dom.js";
import { say } from "./language.js";

const EVERY_MS = 10_000;
const STATES = { ok: "stateOk", degraded: "stateDegraded" };
const PACES = { gentle: "paceGentle", paused: "pacePaused" };
let timer = null;

export function startHealth() {
  document.addEventListener("visibilitychange", askHealth);
  askHealth();
}

/** Asks now, because something has just happened, and then every ten seconds again. */
export async function askHealth() {
  clearTimeout(timer);
  if (document.hidden) return;
  show(await fetchHealth());
  clearTimeout(timer); // a second question may have been asked while this one was under way
  timer = setTimeout(askHealth, EVERY_MS);
}

function show(health) {
  const state = health ? (STATES[health.status] ?? "stateDegraded") : "stateAway";
  const node = byId("state");
  if (node.dataset.text !== state) say(node, state); // an unchanged state is not announced again
  byId("health").dataset.state = state;
  byId("vitals").replaceChildren(...vitals(health ?? {}));
}

function vitals({ model, reader, web }) {
  const facts = [];
  const fact = (key, values) => facts.push(say(element("span"), key, values));
  if (model) fact("model", { model });
  if (Number.isFinite(reader?.pss_mb)) fact("memory", { mb: Math.round(reader.pss_mb + (web?.pss_mb ?? 0)) });
  if (Number.isFinite(reader?.temperature_c)) fact("temperature", { c: Math.round(reader.temperature_c) });
  if (PACES[reader?.pace]) fact(PACES[reader.pace]);
  if (reader?.throttling?.includes("under_voltage")) fact("underVoltage");
  else if (reader?.throttling?.length) fact("throttled");
  return facts;
}
