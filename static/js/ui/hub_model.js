import { listening, need } from "./dom.js";
import { HUB_MODEL } from "./model_select.js";

/** @import {Store} from "../types.js" */

/**
 * The form for a model from the hub, by its id. It opens when that entry of the list is chosen.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLSelectElement} select
 * @param {Store} store
 * @param {(model: string) => void} choose
 * @returns {() => void} undo
 */
export function mountHubModel(form, select, store, choose) {
  /** @type {HTMLInputElement} */
  const box = need(form, "input");
  const { on, undo } = listening();

  function close() {
    form.hidden = true;
    select.value = store.get().model;
    select.focus();
  }

  on(select, "change", () => {
    if (select.value !== HUB_MODEL) return;
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
