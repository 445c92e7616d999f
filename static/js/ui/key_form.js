import { listening, need } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/**
 * The form for the API key of a shared server, shown while the server requires one.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {(key: string) => void} unlock
 * @returns {() => void} undo
 */
export function mountKeyForm(form, store, unlock) {
  /** @type {HTMLInputElement} */
  const box = need(form, "input");
  const { on, undo } = listening();

  /** @param {State} state */
  function render({ apiKey }) {
    const isRejected = apiKey === "rejected";
    form.hidden = !apiKey;
    box.setAttribute("aria-invalid", String(isRejected));
    need(form, ".wrong").textContent = isRejected ? "Wrong key." : "";
    if (apiKey) box.focus();
    // The key does not stay in the page.
    else box.value = "";
  }

  on(form, "submit", (event) => {
    event.preventDefault();
    unlock(box.value.trim());
  });
  render(store.get());
  const unwatch = store.watch(["apiKey"], render);
  return () => {
    unwatch();
    undo();
  };
}
