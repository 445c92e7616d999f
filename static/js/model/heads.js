import { headName, positions } from "./format.js";

/** @import {HeadPlace, LayerCard, ModelCard} from "../types.js" */

/** @typedef {Pick<ModelCard, "stacks"> | undefined} Model */

/** Its layers, by their numbers; none for a model that is not loaded. @param {Model} model @returns {LayerCard[]} */
export const layersOf = (model) => model?.stacks?.[0]?.layers ?? [];

/**
 * The number of heads of each layer: layers without attention have none.
 *
 * @param {Model} model
 * @param {{layers: number, heads: number}} shape the numbers of layers and of heads, until the model is loaded
 */
export const headCounts = (model, { layers, heads }) =>
  Array.from({ length: layers }, (_, layer) => layersOf(model)[layer]?.heads ?? heads);

/** @param {Model} model @param {HeadPlace} place */
export const hasHead = (model, { layer, head }) => head < (layersOf(model)[layer]?.heads ?? Infinity);

/** Why a layer has no heads; empty if it has some. @param {Model} model @param {number} layer */
export function whyNone(model, layer) {
  const card = layersOf(model)[layer];
  return card?.heads === 0 ? `layer ${layer} has no softmax attention: ${card.why ?? "another kind of layer"}` : "";
}

/** @param {LayerCard | undefined} card */
const groupSize = (card) => (card?.kv_heads ? card.heads / card.kv_heads : 1);

/**
 * The key/value head of a head, and the heads that share it; empty if it has one of its own.
 *
 * @param {Model} model
 * @param {HeadPlace} place
 */
export function sharedBy(model, { layer, head }) {
  const size = groupSize(layersOf(model)[layer]);
  const group = Math.floor(head / size);
  return size > 1 ? `key/value head ${group}, shared by heads ${positions([group * size, (group + 1) * size])}` : "";
}

/** The name of a head, and its group. @param {Model} model @param {HeadPlace} place */
export const fullName = (model, place) => [headName(place), sharedBy(model, place)].filter(Boolean).join(", ");

/** How many heads share a key/value head, if that is the same in all layers; else 0. @param {Model} model */
export function commonGroup(model) {
  const sizes = layersOf(model)
    .filter(({ heads }) => heads)
    .map(groupSize);
  return sizes.every((size) => size === sizes[0]) ? (sizes[0] ?? 1) : 0;
}

/** The layers that add a bias to their scores. @param {Model} model */
export const withBias = (model) => (model?.stacks ?? []).flatMap(({ layers }) => layers.filter(({ bias }) => bias));

/** True where the effects of keys are not available. @param {Pick<ModelCard, "projections"> | undefined} model */
export const lacksEffects = (model) => model?.projections === false;
