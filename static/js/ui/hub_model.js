import { listening, need } from "./dom.js";

/** @import {Store} from "../types.js" */

/** The choice in the list of models that opens the form: no model has such an id. */
export const OTHER = "…";

/**
 * The form for a model that is not in the list, by its id on the hub; there once that is chosen.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLSelectElement} select
 * @param {Store} store
 * @param {(model: string) => void} choose
 * @returns {() => void} undo
 */
export function mountOther(form, select, store, choose) {
  /** @type {HTMLInputElement} */
  const box = need(form, "input");
  const { on, undo } = listening();

  function close() {
    form.hidden = true;
    select.value = store.get().model;
    select.focus();
  }

  on(select, "change", () => {
    if (select.value !== OTHER) return;
    form.hidden = false;
    box.focus();
  });
  on(form, "submit", (event) => {
    event.preventDefault();
    close();
    choose(box.value.trim());
  });
  on(form, "keydown", (event) => {
    if (event.key === "Escape") close();
  });
  on(need(form, 'button[type="button"]'), "click", close);
  return undo;
}
