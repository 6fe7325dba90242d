/** The ways in: file dialog, camera, drag and drop, paste. Each ends in `onFiles(files)`; an empty list is possible. */

import { byId } from "./dom.js";

export function startIntake(onFiles) {
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
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
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
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    dragging(false);
    onFiles([...event.dataTransfer.files]);
  });
}
