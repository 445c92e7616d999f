import { clip } from "../model/format.js";
import { listening, make } from "./dom.js";

/** @import {ModelCard, ModelState, State, Store} from "../types.js" */

/** The value of the entry that opens the form for a hub model: no model has such an id. */
export const HUB_MODEL = "…";

/** Characters of a reason that are shown in the list. */
const MAX_REASON = 60;

/** States whose names would be misread: a model that is available is not here yet. @type {Partial<Record<ModelState, string>>} */
const STATES = { available: "not loaded" };

/** @param {ModelCard} card */
export function modelLabel({ id, layers, heads, state, why, changed_on_disk }) {
  const size = layers && heads ? `${layers} × ${heads}` : "";
  const now = changed_on_disk ? "changed on disk" : (STATES[state] ?? state);
  const reason = state === "failed" && why ? `failed: ${clip(why, MAX_REASON)}` : now;
  // An en space, because options collapse ordinary spaces.
  return [id, size, reason].filter(Boolean).join("\u2002");
}

/** @param {HTMLSelectElement} select @param {State} state */
function render(select, { models, model }) {
  const isListed = models.some((card) => card.id === model);
  const options = models.map((card) =>
    make("option", { value: card.id, ...(card.why ? { title: card.why } : {}) }, modelLabel(card)),
  );
  if (!isListed) options.unshift(make("option", { value: model }, model));
  select.replaceChildren(...options, make("option", { value: HUB_MODEL }, "model from the hub …"));
  select.value = model;
  select.disabled = !models.length;
}

/**
 * The list of models, with the state of each.
 *
 * @param {HTMLSelectElement} select
 * @param {Store} store
 * @param {(model: string) => void} choose
 * @returns {() => void} undo
 */
export function mountModelSelect(select, store, choose) {
  const { on, undo } = listening();
  on(select, "change", () => select.value === HUB_MODEL || choose(select.value));
  render(select, store.get());
  const unwatch = store.watch(["models", "model"], (now) => render(select, now));
  return () => {
    unwatch();
    undo();
  };
}
