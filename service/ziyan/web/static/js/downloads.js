/** The result as a file: TXT, JSON, CSV, hOCR, searchable PDF, with the edits; made by the box. */

import { toast } from "./announce.js";
import { exportPage, fetchJobFile } from "./api.js";
import { box } from "./box.js";
import { looked, page, textOf } from "./desk.js";
import { byId, button, element } from "./dom.js";
import { kept } from "./edits.js";
import { isSaid, say, sayTold } from "./language.js";
import { cutPicture } from "./picture.js";

const PDF_TAKES = ["image/jpeg"]; // as it is; anything else is drawn anew, because a PNG may be transparent or interlaced
const FORMATS = box.others.outputs ?? ["txt", "json", "csv", "hocr", "pdf"];
const list = byId("download-list");
const opener = byId("download-button");

export function startDownloads() {
  byId("downloads").hidden = !box.exports && !box.readsDocuments;
  opener.addEventListener("click", () => open(list.hidden));
  byId("downloads").addEventListener("keydown", onKey);
  document.addEventListener("pointerdown", (event) => {
    if (!byId("downloads").contains(event.target)) open(false);
  });
}

function open(on) {
  list.hidden = !on;
  opener.setAttribute("aria-expanded", String(on));
  if (on) list.replaceChildren(...offered(looked()));
}

// The box makes the files of a document, with the edits that it keeps; before it has read it to the end, of a page alone.
function offered(sheet) {
  if (sheet.kind === "picture" || sheet.state !== "done") return choices(sheet, exported);
  return choices(sheet, whole);
}

async function whole(sheet, format) {
  await kept(sheet);
  return fetchJobFile(sheet.job, format);
}

function choices(sheet, make) {
  // a searchable PDF is made around the picture; one that this browser cannot show it cannot hand over
  const possible = FORMATS.filter((format) => make !== exported || format !== "pdf" || cutPicture() !== null);
  return possible.map((format) => {
    const about = isSaid(`format_${format}`) ? say(element("span", { class: "faded" }), `format_${format}`) : "";
    const name = element("b", {}, format === "hocr" ? "hOCR" : format.toUpperCase());
    return element("li", {}, button("", () => download(sheet, format, make), name, about));
  });
}

function onKey(event) {
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  if (event.key === "Escape") {
    open(false);
    opener.focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list.hidden) open(true);
    buttons.at(event.key === "ArrowDown" ? (at + 1) % buttons.length : Math.max(at, 0) - 1)?.focus();
  }
}

async function download(sheet, format, make) {
  open(false);
  opener.focus();
  byId("notice").replaceChildren();
  try {
    const { blob, name } = await make(sheet, format);
    const called = name ?? `${stem(sheet.name)}.${format}`;
    hand(blob, called);
    toast("downloaded", { name: called });
  } catch (error) {
    const node = element("p", { class: "notice" });
    byId("notice").replaceChildren(error.message ? sayTold(node, error.message) : say(node, "networkAdvice"));
  }
}

async function exported(sheet, format) {
  const { lines, width, height, turned } = page();
  const edited = lines.map((line) => ({ ...line, text: textOf(line) }));
  const image = format === "pdf" ? await pictureOf(sheet.kind === "picture" ? sheet.file : page().picture) : null;
  const name = stem(sheet.name) + (sheet.pages.length > 1 ? `-${sheet.at + 1}` : "");
  return exportPage({ lines: edited, width, height, turned }, { format, name, image });
}

async function pictureOf(file) {
  if (PDF_TAKES.includes(file.type)) return file;
  return new Promise((resolve) => cutPicture().toBlob(resolve, "image/jpeg", 0.92));
}

function hand(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const stem = (name) => name.replace(/\.[^.]*$/, "").replace(/[/\\"\p{Cc}]/gu, "_").slice(0, 100) || "ocr";
