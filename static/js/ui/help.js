import { listening, need } from "./dom.js";

/** True where a typed "?" is meant as text. @param {EventTarget | null} target */
const takesText = (target) =>
  target instanceof HTMLElement && target.matches("textarea, select, input:not([type='radio'])");

/**
 * All keys on one sheet, behind a button and behind "?". The dialog is the browser's own: it keeps the focus inside,
 * closes with Escape and gives the focus back.
 *
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} button
 * @returns {() => void} undo
 */
export function mountHelp(dialog, button) {
  const { on, undo } = listening();
  on(button, "click", () => dialog.showModal());
  on(need(dialog, "button"), "click", () => dialog.close());
  on(document, "keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || dialog.open || takesText(event.target)) return;
    event.preventDefault();
    dialog.showModal();
  });
  return undo;
}
