/** The two drawers at the side, options and the box: one at a time, closed by Escape, the page behind stays in use. */

import { byId } from "./dom.js";

const drawers = new Map();
let open = null;

/** Lets `button` open and close the drawer `name`; `onToggle(isOpen)` is told. */
export function startDrawer(name, button, onToggle = () => {}) {
  const node = byId(name);
  drawers.set(name, { node, button, onToggle });
  button.addEventListener("click", () => (open === name ? closeDrawer() : openDrawer(name)));
  node.querySelector(".close").addEventListener("click", () => closeDrawer());
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDrawer();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDrawer();
  });
}

export function openDrawer(name) {
  closeDrawer({ keepFocus: true });
  open = name;
  show(name, true);
  drawers.get(name).node.querySelector("h2").focus();
}

/** Closes the open drawer and goes back to the button that opened it. */
export function closeDrawer({ keepFocus = false } = {}) {
  if (open === null) return;
  const { node, button } = drawers.get(open);
  const inside = node.contains(document.activeElement);
  show(open, false);
  open = null;
  if (inside && !keepFocus) button.focus();
}

function show(name, isOpen) {
  const { node, button, onToggle } = drawers.get(name);
  node.hidden = !isOpen;
  button.setAttribute("aria-expanded", String(isOpen));
  document.body.classList.toggle("drawn", isOpen);
  onToggle(isOpen);
}
