/**
 * What may be asked of a reading: a form made of what the box says of its options, whatever these are.
 *
 * A number becomes a slider with a field, a few words a choice, a text a field, areas rectangles on the picture. Choices
 * hold for every picture of this visit; areas belong to their own picture.
 */

import { areasOf, startAreas, showAreaField } from "./areas.js";
import { box } from "./box.js";
import { byId, button, element } from "./dom.js";
import { desk, looked } from "./desk.js";
import { closeDrawer, startDrawer } from "./drawer.js";
import { isSaid, label, say, sayTold } from "./language.js";

// Where an option stands in the form; one that is not named here stands at the end.
const GROUPS = [
  ["groupResult", ["min_score", "layout", "lexicon", "allow"]],
  ["groupPage", ["turn", "vertical", "region", "ignore", "det"]],
  ["groupPicture", ["preprocess", "flatten"]],
  ["groupEffort", ["second_reader", "budget_ms", "force"]],
];
const LONG_TEXT = 120;
const chosen = new Map();

/** The options that `sheet` is to be read with: those that differ from the box's defaults. */
export function asked(sheet) {
  const areas = Object.entries(sheet.areas).filter(([, list]) => list.length > 0);
  return Object.fromEntries([...chosen, ...areas]);
}

/** Makes the form; `onReadAgain(sheet)` is called when the sheet that is looked at shall be read with it. */
export function startOptions(onReadAgain) {
  const known = Object.keys(box.options);
  if (known.length === 0) byId("options-button").hidden = true;
  const grouped = new Set(GROUPS.flatMap(([, names]) => names));
  const groups = [...GROUPS, ["groupOthers", known.filter((name) => !grouped.has(name))]];
  for (const [title, names] of groups) {
    const here = names.filter((name) => known.includes(name));
    if (here.length === 0) continue;
    byId("options-form").append(element("fieldset", {}, say(element("legend"), title), ...here.map(fieldFor)));
  }
  startDrawer("options", byId("options-button"), showButtons);
  startAreas(countChanged);
  byId("options-form").addEventListener("submit", (event) => event.preventDefault());
  byId("options-reset").addEventListener("click", reset);
  byId("read-again").addEventListener("click", () => {
    const sheet = looked();
    closeDrawer();
    onReadAgain(sheet);
  });
  desk.addEventListener("current", showButtons);
  desk.addEventListener("state", showButtons);
  countChanged();
}

function fieldFor(name) {
  const about = box.options[name];
  const make = about.enum ? choice : { number: slider, integer: slider, boolean: tick, array: areas }[about.type] ?? text;
  return make(name, about);
}

function slider(name, { type, minimum, maximum, default: usual }) {
  const step = type === "integer" ? wholeStepOf(maximum - minimum) : stepOf(maximum - minimum);
  const range = element("input", { type: "range", id: idOf(name), min: minimum, max: maximum, step });
  const field = element("input", { type: "number", min: minimum, max: maximum, step, inputmode: "decimal" });
  const set = (value) => {
    range.value = field.value = value;
  };
  label(field, "exactly", { name });
  set(usual);
  range.addEventListener("input", () => {
    field.value = range.value;
    choose(name, Number(range.value));
  });
  field.addEventListener("change", () => {
    range.value = field.value; // the range keeps it within its bounds
    field.value = range.value;
    choose(name, Number(range.value));
  });
  return framed(name, element("div", { class: "sliding" }, range, field), () => set(usual));
}

function choice(name, { enum: words, default: usual }) {
  const options = words.map((word) => {
    const option = element("option", { value: word });
    return isSaid(`value_${word}`) ? say(option, `value_${word}`) : Object.assign(option, { textContent: word });
  });
  const select = element("select", { id: idOf(name) }, ...options);
  select.value = usual;
  select.addEventListener("change", () => choose(name, select.value));
  return framed(name, select, () => (select.value = usual));
}

function tick(name, { default: usual }) {
  const input = element("input", { type: "checkbox", id: idOf(name) });
  input.checked = usual;
  input.addEventListener("change", () => choose(name, input.checked));
  return framed(name, input, () => (input.checked = usual));
}

function text(name, { maxLength = 1000, default: usual }) {
  const kind = maxLength > LONG_TEXT ? "textarea" : "input";
  const input = element(kind, { id: idOf(name), maxlength: maxLength, spellcheck: "false", autocomplete: "off" });
  input.value = usual ?? "";
  input.addEventListener("change", () => choose(name, input.value));
  return framed(name, input, () => (input.value = usual ?? ""));
}

function areas(name, about) {
  return framed(name, showAreaField(name, about), () => {});
}

function framed(name, control, toUsual) {
  const help = sayTold(element("p", { class: "help", id: `help-${name}` }), box.options[name].description ?? "");
  const named = element(box.options[name].type === "array" ? "p" : "label", { class: "named" });
  if (named instanceof HTMLLabelElement) named.htmlFor = idOf(name);
  control.querySelector?.("input")?.setAttribute("aria-describedby", help.id);
  if (control.matches("input, select, textarea")) control.setAttribute("aria-describedby", help.id);
  const frame = element("div", { class: "field", "data-option": name }, titled(named, name), control, help);
  frame.addEventListener("reset-option", toUsual);
  return frame;
}

function titled(node, name) {
  if (isSaid(`option_${name}`)) return say(node, `option_${name}`);
  node.textContent = name.replaceAll("_", " ");
  return node;
}

function choose(name, value) {
  if (value === box.options[name].default) chosen.delete(name);
  else chosen.set(name, value);
  countChanged();
}

function reset() {
  chosen.clear();
  for (const field of document.querySelectorAll("[data-option]")) field.dispatchEvent(new Event("reset-option"));
  if (looked()) areasOf(looked()).clear();
  countChanged();
}

function countChanged() {
  const count = Object.keys(asked(looked() ?? { areas: {} })).length;
  byId("options-count").hidden = count === 0;
  byId("options-count").textContent = count;
  label(byId("options-button"), count > 0 ? "optionsChanged" : "options", { count });
  for (const field of document.querySelectorAll("[data-option]")) {
    field.classList.toggle("changed", chosen.has(field.dataset.option));
  }
  byId("options-reset").disabled = count === 0;
}

function showButtons() {
  const sheet = looked();
  byId("read-again").hidden = !(sheet && sheet.file && ["done", "failed"].includes(sheet.state));
  countChanged();
}

function wholeStepOf(span) {
  return span > 1000 ? 100 : 1;
}

function stepOf(span) {
  return span <= 2 ? 0.01 : span <= 20 ? 0.1 : 1;
}

const idOf = (name) => `option-${name}`;
