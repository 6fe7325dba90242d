/**
 * Chinese or English: chosen by the reader, else by the browser; kept in localStorage.
 *
 * A node that speaks carries its string's key in `data-text` (its text) or `data-label` (its accessible name), so that
 * switching the language translates what is on the page, results and errors included, without drawing anything again.
 */

import { strings } from "./strings.js";

const KEPT = "ziyan.language";
const texts = new WeakMap();
const labels = new WeakMap();
let language = kept() ?? fromBrowser();

function translate(key, given = {}) {
  const found = strings[language][key];
  return typeof found === "function" ? found(given) : found;
}

/** Whether the page has words of its own for `key`. */
export const isSaid = (key) => key in strings.en;

/** Lets `node` say the string of `key`, now and after every switch of the language. */
export function say(node, key, given = {}) {
  texts.set(node, given);
  node.dataset.text = key;
  const text = translate(key, given);
  if (node.textContent !== text) node.textContent = text; // an unchanged text is not announced again
  return node;
}

/** Gives `node` the string of `key` as its accessible name (`alt` for a picture), and as the tip of a bare button. */
export function label(node, key, given = {}) {
  labels.set(node, given);
  node.dataset.label = key;
  const text = translate(key, given);
  node.setAttribute(node instanceof HTMLImageElement ? "alt" : "aria-label", text);
  if (node instanceof HTMLButtonElement) node.title = text;
  return node;
}

/** Lets `node` say what the box says in both languages, "中文。 English.", in the one that is read here. */
export const sayTold = (node, text) => say(node, "told", { text });

/** Translates the page and makes the buttons of `group` (each with a `lang`) switch it. */
export function startLanguage(group) {
  const buttons = [...group.querySelectorAll("button")];
  const apply = () => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = translate("title");
    for (const node of document.querySelectorAll("[data-text]")) say(node, node.dataset.text, texts.get(node));
    for (const node of document.querySelectorAll("[data-label]")) label(node, node.dataset.label, labels.get(node));
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      keep(language);
      apply();
    });
  }
  apply();
}

function fromBrowser() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

// Storage may be forbidden (private windows, blocked cookies); the page then simply forgets.
function kept() {
  try {
    const found = localStorage.getItem(KEPT);
    return found in strings ? found : null;
  } catch {
    return null;
  }
}

function keep(code) {
  try {
    localStorage.setItem(KEPT, code);
  } catch {
    /* forgotten at the next visit */
  }
}
