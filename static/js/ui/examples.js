import { listening } from "./dom.js";

/** @import {Store} from "../types.js" */

/** @param {Event} event @returns {HTMLElement | null} */
const buttonOf = ({ target }) => (target instanceof HTMLElement ? target.closest("button") : null);

/**
 * The example sentences. The line below them says what to look for: in the one under the pointer, or else in the one
 * that was run.
 *
 * @param {HTMLElement} root
 * @param {HTMLElement} lookFor
 * @param {Store} store
 * @param {(text: string) => void} run
 * @returns {() => void} undo
 */
export function mountExamples(root, lookFor, store, run) {
  const { on, undo } = listening();

  function render() {
    lookFor.textContent = "";
    for (const button of root.querySelectorAll("button")) {
      const isRun = button.dataset.text === store.get().text;
      button.setAttribute("aria-pressed", String(isRun));
      if (isRun) lookFor.textContent = button.dataset.lookFor ?? "";
    }
  }

  on(root, "click", (event) => {
    const text = buttonOf(event)?.dataset.text;
    if (text !== undefined) run(text);
  });
  for (const name of ["pointerover", "focusin"]) {
    on(root, name, (event) => {
      const button = buttonOf(event);
      if (button) lookFor.textContent = button.dataset.lookFor ?? "";
      else render();
    });
  }
  for (const name of ["pointerleave", "focusout"]) on(root, name, render);
  render();
  const unwatch = store.watch(["text"], render);
  return () => {
    unwatch();
    undo();
  };
}
