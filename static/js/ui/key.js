import { listening, need } from "./dom.js";

/** @import {Store} from "../types.js" */

/**
 * The form that asks for the key of a shared server, there only while the server wants it.
 *
 * @param {HTMLFormElement} form
 * @param {Store} store
 * @param {(key: string) => void} unlock
 * @returns {() => void} undo
 */
export function mountKey(form, store, unlock) {
  /** @type {HTMLInputElement} */
  const box = need(form, "input");
  const { on, undo } = listening();

  /** @param {ReturnType<Store["get"]>} now @param {ReturnType<Store["get"]> | null} before */
  function render(now, before) {
    if (now.key === before?.key) return;
    const wrong = now.key === "wrong";
    form.hidden = !now.key;
    box.setAttribute("aria-invalid", String(wrong));
    need(form, ".wrong").textContent = wrong ? "That is not the key of this server." : "";
    if (now.key) box.focus();
    // Neither kept in the page nor offered to who comes after.
    else box.value = "";
  }

  on(form, "submit", (event) => {
    event.preventDefault();
    unlock(box.value.trim());
  });
  render(store.get(), null);
  const unsubscribe = store.subscribe(render);
  return () => {
    unsubscribe();
    undo();
  };
}
