import { clip } from "../model/format.js";
import { listening, make } from "./dom.js";

/** @import {ModelCard, ModelState, State, Store} from "../types.js" */

/** The value of the entry that opens the form for a hub model: no model has such an id. */
export const HUB_MODEL = "…";

/** Characters of a reason that are shown in the list. */
const MAX_REASON = 60;

/** States whose names would be misread: a model that is available is not here yet. @type {Partial<Record<ModelState, string>>} */
const STATES = { available: "not loaded" };

/** In the order of the list. @type {[ModelCard["source"], string][]} */
const GROUPS = [
  ["bundled", "included"],
  ["local", "folders of this server"],
  ["hub", "Hugging Face hub"],
];

/** @param {ModelCard} card */
export function modelLabel({ id, layers, heads, state, why, changed_on_disk }) {
  const size = layers && heads ? `${layers} × ${heads}` : "";
  const now = changed_on_disk ? "changed on disk" : (STATES[state] ?? state);
  const reason = state === "failed" && why ? `failed: ${clip(why, MAX_REASON)}` : now;
  // An en space, because options collapse ordinary spaces.
  return [id, size, reason].filter(Boolean).join("\u2002");
}

/**
 * The cards in their groups; groups without cards are left out, but that of the hub, where any model can be named.
 *
 * @param {readonly ModelCard[]} models
 */
export function modelGroups(models) {
  return GROUPS.map(([source, label]) => ({
    source,
    label,
    cards: models.filter((card) => card.source === source),
  })).filter(({ source, cards }) => source === "hub" || cards.length);
}

/** @param {HTMLSelectElement} select @param {State} state */
function render(select, { models, model }) {
  const isListed = models.some((card) => card.id === model);
  const groups = modelGroups(models).map(({ source, label, cards }) => {
    const options = cards.map((card) =>
      make("option", { value: card.id, title: card.why ?? card.title }, modelLabel(card)),
    );
    if (source === "hub") options.push(make("option", { value: HUB_MODEL }, "model from the hub …"));
    return make("optgroup", { label }, ...options);
  });
  const current = isListed ? [] : [make("option", { value: model }, model)];
  select.replaceChildren(...current, ...groups);
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
