import { listening, need } from "./dom.js";

const loadHelpStyles = async () => (await import("./style_sheet.js")).loadStyleSheet("help");

/** True for elements in which "?" is text that is typed. @param {EventTarget | null} target */
const takesText = (target) =>
  target instanceof HTMLElement && target.matches("textarea, select, input:not([type='radio'])");

/**
 * The list of all keyboard shortcuts, opened with a button and with "?". The browser's own dialog keeps the focus inside, closes with
 * Escape and restores the focus. Its style sheet is loaded when it is opened; if that fails, it is opened without.
 *
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} button
 * @returns {() => void} undo
 */
export function mountHelp(dialog, button) {
  const { on, undo } = listening();
  const open = () => dialog.open || dialog.showModal();
  const openStyled = () => loadHelpStyles().then(open, open);
  on(button, "click", openStyled);
  on(need(dialog, "button"), "click", () => dialog.close());
  on(document, "keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || dialog.open || takesText(event.target)) return;
    event.preventDefault();
    openStyled();
  });
  return undo;
}
