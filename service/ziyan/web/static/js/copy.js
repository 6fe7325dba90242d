/**
 * True when `text` is on the clipboard.
 *
 * A box on a home network is reached over plain http, where browsers hide navigator.clipboard; the older way, copying a
 * selection, works there.
 */
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      /* refused: try the older way */
    }
  }
  return copySelection(text);
}

function copySelection(text) {
  const focused = document.activeElement;
  const carrier = document.createElement("textarea");
  carrier.className = "visually-hidden";
  carrier.value = text;
  document.body.append(carrier);
  carrier.select();
  const copied = document.execCommand("copy");
  carrier.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
