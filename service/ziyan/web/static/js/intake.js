/** The ways in: file dialog, camera, drag and drop of files and folders, paste. Each ends in `onFiles(files)`. */

import { box } from "./box.js";
import { byId } from "./dom.js";

const DOCUMENTS = ".pdf,.zip,.tif,.tiff";

export function startIntake(onFiles) {
  if (box.readsDocuments) byId("file").accept += `,${DOCUMENTS}`;
  for (const [button, input] of [["choose", "file"], ["another", "file"], ["camera", "shot"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
  }
  for (const input of [byId("file"), byId("shot")]) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that choosing the same file again is a change again
      if (files.length > 0) onFiles(files);
    });
  }
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    onFiles([...event.clipboardData.files]);
  });
  startDrop(onFiles);
}

function startDrop(onFiles) {
  const dragging = (on) => document.body.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    event.preventDefault(); // without this the browser would open the file in place of the page
    dragging(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) dragging(false); // the pointer left the window, not merely an element
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    dragging(false);
    onFiles(await dropped(event.dataTransfer));
  });
}

/** The files of a drop, those in its folders included, in the order of their names. */
async function dropped({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // before the first await
  if (!entries.some((entry) => entry.isDirectory)) return [...files];
  const found = await Promise.all(entries.map(inside));
  return found.flat().sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}

async function inside(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (some.length === 0) return (await Promise.all(found.map(inside))).flat();
    found.push(...some.filter(({ name }) => !name.startsWith(".")));
  }
}
