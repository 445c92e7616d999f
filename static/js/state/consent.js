/** @import {Api} from "../api/client.js" */
/** @import {ModelCard, State, Store} from "../types.js" */

/** @param {ModelCard} card */
const isKnown = ({ source, state }) => source !== "hub" || state === "ready" || state === "loading";

/**
 * Whether the state's model may be loaded without a question: the default model, a bundled or local one, one that the
 * server has loaded, or one that the reader has chosen on this page. A link alone must not download a model.
 *
 * @param {State} state
 */
export function mayLoad({ model, models, defaultModel, chosenModels }) {
  if (!model || model === defaultModel || model.startsWith("local:") || chosenModels.includes(model)) return true;
  return models.some((card) => card.id === model && isKnown(card));
}

/**
 * Whether the reader must be asked before the state's model is loaded, by the newest list of models.
 *
 * @param {Store} store
 * @param {Api} api
 */
export async function mustAsk(store, api) {
  const { models } = await api.models();
  store.set({ models });
  return !mayLoad(store.get());
}
