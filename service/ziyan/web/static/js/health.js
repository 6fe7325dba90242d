/** How the box feels: a word in the head of the page, everything in its drawer, and trouble said where it is seen. */

import { fetchHealth } from "./api.js";
import { box } from "./box.js";
import { byId, button, element } from "./dom.js";
import { startDrawer } from "./drawer.js";
import { say } from "./language.js";
import { forgetToken, hasToken } from "./token.js";

const EVERY_MS = 10_000;
const EVERY_MS_LOOKED_AT = 2_000;
const STATES = { ok: "stateOk", degraded: "stateDegraded" };
let timer = null;
let isOpen = false;
let last = null;

export function startHealth() {
  startDrawer("box", byId("box-button"), (open) => {
    isOpen = open;
    if (open) {
      showFeelings(last);
      askHealth();
    }
  });
  document.addEventListener("visibilitychange", askHealth);
  askHealth();
}

/** Asks now, because something has just happened, and then again and again. */
export async function askHealth() {
  clearTimeout(timer);
  if (document.hidden) return;
  last = await fetchHealth();
  show(last);
  clearTimeout(timer); // a second question may have been asked while this one was under way
  timer = setTimeout(askHealth, isOpen ? EVERY_MS_LOOKED_AT : EVERY_MS);
}

function show(health) {
  const state = stateOf(health);
  const reader = health?.reader;
  say(byId("state"), state);
  byId("box-button").dataset.state = state;
  const brief = byId("brief");
  brief.hidden = !Number.isFinite(reader?.temperature_c);
  if (!brief.hidden) say(brief, "temperature", { c: Math.round(reader.temperature_c) });
  const trouble = troubleOf(health);
  byId("trouble").hidden = trouble === null;
  if (trouble) say(byId("trouble"), ...trouble);
  else byId("trouble").textContent = "";
  if (isOpen) showFeelings(health);
}

function stateOf(health) {
  if (!health) return "stateAway";
  if (health.reader?.pace === "paused") return "stateHot";
  return STATES[health.status] ?? "stateDegraded";
}

/** What is wrong enough to be said above everything else: a key and its values, or null. */
function troubleOf(health) {
  if (!health) return ["troubleAway"];
  const { reader } = health;
  const limits = { c: Math.round(reader?.temperature_c ?? 0), hard: box.limits.temperature_hard_c };
  if (reader?.pace === "paused") return ["troubleHot", limits];
  if (!reader) return ["troubleReader"];
  if (reader.throttling?.includes("under_voltage")) return ["troubleVoltage"];
  if (reader.pace === "gentle") return ["troubleWarm", limits];
  if (reader.throttling?.length) return ["troubleThrottled"];
  return null;
}

function showFeelings(health) {
  const node = byId("feelings");
  const sections = health ? [queue(health), temperature(health), lastPage(health), memory(health), model(health), token()] : [];
  const verdict = say(element("p", { class: "verdict" }), troubleOf(health)?.[0] ?? "boxWell", troubleOf(health)?.[1]);
  const focused = node.contains(document.activeElement);
  node.replaceChildren(verdict, ...sections.filter(Boolean));
  if (focused) byId("box-title").focus();
}

function section(key, ...content) {
  return element("section", {}, say(element("h3"), key), ...content);
}

const line = (key, values) => say(element("p"), key, values);

function queue({ queue: { in_use: used, capacity, jobs } }) {
  const places = element("div", { class: "places", "aria-hidden": "true" });
  for (let at = 0; at < capacity; at += 1) places.append(element("i", at < used ? { class: "taken" } : {}));
  const content = [line(used > 0 ? "boxQueue" : "boxQueueEmpty", { reading: Math.min(used, 1), waiting: Math.max(used - 1, 0), capacity }), places];
  if (Number.isFinite(jobs)) content.push(line("boxJobs", { jobs }));
  return section("boxQueueTitle", ...content);
}

function temperature({ reader }) {
  if (!Number.isFinite(reader?.temperature_c)) return null;
  const { temperature_soft_c: soft, temperature_hard_c: hard } = box.limits;
  const c = reader.temperature_c;
  const content = [line("boxTemperature", { c: c.toFixed(1) })];
  if (soft && hard) content.push(gauge(c, { from: 20, to: Math.max(hard + 5, c), marks: [soft, hard] }), line("boxTemperatureLimits", { soft, hard }));
  for (const what of reader.throttling ?? []) content.push(line(`throttling_${what}`));
  return section("boxTemperatureTitle", ...content);
}

function gauge(value, { from, to, marks }) {
  const share = (number) => `${100 * Math.min(Math.max((number - from) / (to - from), 0), 1)}%`;
  const level = element("span", { class: "level" });
  level.style.width = share(value);
  const ticks = marks.map((at) => {
    const tick = element("i");
    tick.style.left = share(at);
    return tick;
  });
  const passed = marks.filter((at) => value > at).length;
  return element("div", { class: "gauge", "data-level": passed, "aria-hidden": "true" }, level, ...ticks);
}

function lastPage({ last_page: page }) {
  if (!page) return section("boxLastTitle", line("boxNoPage"));
  const stages = Object.entries(page.seconds);
  const total = stages.reduce((sum, [, seconds]) => sum + seconds, 0);
  const bar = element("div", { class: "stages", "aria-hidden": "true" });
  const legend = element("dl", { class: "legend" });
  stages.forEach(([name, seconds], at) => {
    const part = element("span", { class: `part-${at % 5}` });
    part.style.flexGrow = Math.max(seconds, total / 200);
    bar.append(part);
    const named = element("dt", { class: `part-${at % 5}` });
    if (isStage(name)) say(named, `stage_${name}`);
    else named.textContent = name;
    legend.append(named, say(element("dd"), "milliseconds", { ms: Math.round(1000 * seconds) }));
  });
  return section("boxLastTitle", line("boxLast", { seconds: total.toFixed(2), lines: page.lines }), bar, legend);
}

const isStage = (name) => ["decode", "enhance", "detect", "recognize", "reread"].includes(name);

function memory({ reader, web }) {
  const mb = (reader?.pss_mb ?? 0) + (web?.pss_mb ?? 0);
  return mb > 0 ? section("boxMemoryTitle", line("boxMemory", { mb: Math.round(mb), reader: Math.round(reader?.pss_mb ?? 0), web: Math.round(web?.pss_mb ?? 0) })) : null;
}

function model({ model: name, version, reader }) {
  if (!reader) return section("boxModelTitle", line("boxVersion", { version }));
  const { characters, size_bytes: size, version: models } = reader.models ?? {};
  const facts = [line("boxModel", { name, characters, mb: size ? (size / 1e6).toFixed(1) : "?" })];
  if (models) facts.push(element("p", { class: "faded" }, String(models)));
  facts.push(line("boxVersion", { version }), line("boxPages", { pages: reader.pages, threads: reader.threads }));
  return section("boxModelTitle", ...facts);
}

function token() {
  if (!box.isGuarded) return section("boxTokenTitle", line("boxOpen"));
  if (!hasToken()) return section("boxTokenTitle", line("boxGuarded"));
  const forget = say(button("small", () => (forgetToken(), showFeelings(last))), "tokenForget");
  return section("boxTokenTitle", line("tokenKept"), forget);
}
