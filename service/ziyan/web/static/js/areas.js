/**
 * Areas of the picture, for the options that take them: drawn with the pointer, or set in numbers.
 *
 * They are in pixels of the sent picture, [x, y, width, height], and belong to the sheet that is looked at.
 */

import { byId, button, element, icon, svgElement } from "./dom.js";
import { desk, looked, page } from "./desk.js";
import { label, say } from "./language.js";
import { pointAt } from "./viewer.js";

const LEAST = 8; // pixels a side; less is a press, not a rectangle
const stage = byId("stage");
const layer = byId("areas");
const fields = new Map();
let drawing = null;
let onChange = () => {};

/** What `sheet` has of areas, by option. */
export function areasOf(sheet) {
  return {
    of: (name) => (sheet.areas[name] ??= []),
    clear: () => {
      sheet.areas = {};
      show();
    },
  };
}

/** The field of the option `name`: its areas as numbers, and a button to draw one. */
export function showAreaField(name, { maxItems = Infinity }) {
  const list = element("ul", { class: "arealist" });
  const draw = say(button("small", () => startDrawing(name)), "drawArea");
  const add = say(button("small", () => put(name, middle())), "addArea");
  const none = say(element("p", { class: "help" }), "areasNeedPicture");
  fields.set(name, { list, draw, add, none, maxItems });
  return element("div", { class: "areafield" }, list, element("div", { class: "actions" }, draw, add), none);
}

export function startAreas(onAreas) {
  onChange = onAreas;
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    if (drawing === null || event.button !== 0) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    from = pointAt(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (from) sketch(between(from, pointAt(event)));
  });
  stage.addEventListener("pointerup", (event) => {
    if (!from) return;
    const area = between(from, pointAt(event));
    from = null;
    if (area[2] >= LEAST && area[3] >= LEAST) put(drawing, area);
    else show();
  });
  byId("drawing-done").addEventListener("click", stopDrawing);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && drawing !== null) stopDrawing();
  });
  desk.addEventListener("current", show);
  desk.addEventListener("state", show);
  show();
}

function startDrawing(name) {
  drawing = name;
  document.body.classList.add("drawing-now");
  stage.classList.add("drawing-areas");
  byId("drawing").hidden = false;
  say(byId("drawing-what"), "drawingNow", { name });
  byId("drawing-done").focus();
}

function stopDrawing() {
  if (drawing === null) return;
  const { draw } = fields.get(drawing);
  drawing = null;
  document.body.classList.remove("drawing-now");
  stage.classList.remove("drawing-areas");
  byId("drawing").hidden = true;
  draw.focus();
}

function put(name, area) {
  const sheet = looked();
  const { maxItems } = fields.get(name);
  const list = areasOf(sheet).of(name);
  if (list.length < maxItems) list.push(area);
  show();
  onChange();
}

function show() {
  const sheet = looked();
  const [width, height] = sizeOf();
  if (drawing !== null && !sheet) stopDrawing();
  layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  layer.replaceChildren(...[...fields.keys()].flatMap((name) => (sheet?.areas[name] ?? []).map((area) => drawn(name, area))));
  for (const [name, { list, draw, add, none, maxItems }] of fields) {
    const areas = sheet?.areas[name] ?? [];
    const possible = Boolean(sheet?.file) && sheet.kind === "picture";
    draw.disabled = add.disabled = !possible || areas.length >= maxItems;
    none.hidden = possible;
    list.replaceChildren(...areas.map((area, index) => row(name, areas, area, index)));
  }
}

function row(name, areas, area, index) {
  const inputs = ["areaLeft", "areaTop", "areaWidth", "areaHeight"].map((key, side) => {
    const input = element("input", { type: "number", min: side < 2 ? 0 : 1, value: area[side] });
    input.addEventListener("change", () => {
      area[side] = Math.max(side < 2 ? 0 : 1, Number(input.value) || 0);
      show();
      onChange();
    });
    return label(input, key, { number: index + 1 });
  });
  const away = button("bare", () => {
    areas.splice(index, 1);
    show();
    onChange();
  }, icon("close"));
  return element("li", {}, ...inputs, label(away, "areaAway", { number: index + 1 }));
}

function drawn(name, [x, y, width, height]) {
  return svgElement("rect", { class: `area ${name}`, x, y, width, height });
}

function sketch(area) {
  layer.querySelector(".sketch")?.remove();
  const rectangle = drawn(drawing, area);
  rectangle.classList.add("sketch");
  layer.append(rectangle);
}

function sizeOf() {
  const image = byId("picture");
  const known = page();
  return known ? [known.width, known.height] : [image.naturalWidth || 1, image.naturalHeight || 1];
}

function middle() {
  const [width, height] = sizeOf();
  return [0.25 * width, 0.25 * height, 0.5 * width, 0.5 * height].map(Math.round);
}

const between = ([x, y], [toX, toY]) => [Math.min(x, toX), Math.min(y, toY), Math.abs(toX - x), Math.abs(toY - y)];
