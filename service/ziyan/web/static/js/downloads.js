/** The result as a file: TXT, JSON, CSV, hOCR, searchable PDF, with the edits; made by the box. */

import { toast } from "./announce.js";
import { exportPage, fetchJobFile } from "./api.js";
import { box } from "./box.js";
import { looked, page, textOf } from "./desk.js";
import { byId, button, element } from "./dom.js";
import { isSaid, say, sayTold } from "./language.js";
import { cutPicture } from "./picture.js";

const PDF_TAKES = ["image/jpeg"]; // as it is; anything else is drawn anew, because a PNG may be transparent or interlaced
const list = byId("download-list");
const opener = byId("download-button");

export function startDownloads() {
  const formats = box.others.outputs ?? ["txt", "json", "csv", "hocr", "pdf"];
  byId("downloads").hidden = !box.exports && !box.readsDocuments;
  for (const format of formats) {
    const about = isSaid(`format_${format}`) ? say(element("span", { class: "faded" }), `format_${format}`) : "";
    const name = element("b", {}, format === "hocr" ? "hOCR" : format.toUpperCase());
    list.append(element("li", { "data-format": format }, button("", () => download(format), name, about)));
  }
  opener.addEventListener("click", () => open(list.hidden));
  byId("downloads").addEventListener("keydown", onKey);
  document.addEventListener("pointerdown", (event) => {
    if (!byId("downloads").contains(event.target)) open(false);
  });
}

function open(on) {
  list.hidden = !on;
  opener.setAttribute("aria-expanded", String(on));
  if (!on) return;
  // a searchable PDF is made around the picture; one that this browser cannot show it cannot hand over
  const item = list.querySelector("[data-format=pdf]");
  if (item) item.hidden = !fromJob(looked()) && cutPicture() === null;
}

function onKey(event) {
  const buttons = [...list.querySelectorAll("li:not([hidden]) button")];
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

async function download(format) {
  const sheet = looked();
  open(false);
  opener.focus();
  try {
    const { blob, name } = fromJob(sheet) ? await fetchJobFile(sheet.job, format) : await exported(sheet, format);
    hand(blob, name ?? `${stem(sheet.name)}.${format}`);
    toast("downloaded", { name: name ?? sheet.name });
  } catch (error) {
    const notice = byId("notice");
    notice.replaceChildren(sayTold(element("p", { class: "notice" }), error.message || "下载失败。 The download failed."));
  }
}

// What a job wrote is whole and has every page; edits are of one page, and go through the export.
function fromJob(sheet) {
  return sheet.job && !sheet.pages.some(({ lines }) => lines.some(({ edited }) => edited !== null));
}

async function exported(sheet, format) {
  const { lines, width, height, turned } = page();
  const edited = lines.map((line) => ({ ...line, text: textOf(line) }));
  const image = format === "pdf" ? await pictureOf(sheet) : null;
  const name = stem(sheet.name) + (sheet.pages.length > 1 ? `-${sheet.at + 1}` : "");
  return exportPage({ lines: edited, width, height, turned }, { format, name, image });
}

async function pictureOf(sheet) {
  if (PDF_TAKES.includes(sheet.file.type)) return sheet.file;
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
