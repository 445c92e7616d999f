import { make } from "./dom.js";

/**
 * Shows a text in a selected field, to be copied with the keyboard. Browsers allow pages to write to the clipboard only
 * on localhost and over https.
 *
 * @param {string} text
 */
function showCopyDialog(text) {
  const field = make("textarea", { readonly: "", rows: "4", "aria-label": "text to copy" });
  field.value = text;
  const close = make("button", { type: "button", "aria-label": "close" }, "\u00d7");
  const dialog = make(
    "dialog",
    { class: "help copy", "aria-labelledby": "copy-title" },
    make("header", {}, make("h2", { id: "copy-title" }, "Press Ctrl+C to copy"), close),
    make("p", {}, "The browser lets this page write to the clipboard only on localhost or over https."),
    field,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  field.select();
}

/**
 * Copies a text; where the browser does not allow it, shows the text in a selected field.
 *
 * @param {string} text
 * @param {(message: string) => void} show shows a short message next to the button
 * @param {string} done
 */
export async function copyText(text, show, done) {
  try {
    await navigator.clipboard.writeText(text);
    show(done);
  } catch {
    showCopyDialog(text);
  }
}
