import { positions } from "./format.js";
import { layersOf, whyNone } from "./heads.js";

/** @import {LayerCard} from "../types.js" */
/** @import {Model} from "./heads.js" */

/** What layers without attention have instead, each once. @param {LayerCard[]} cards */
export const insteadOf = (cards) => [...new Set(cards.filter(({ heads }) => !heads).map(({ why }) => why))].join(", ");

/**
 * Why there are no heads between two layers; empty if there is nothing between them.
 *
 * @param {Model} model
 * @param {number} one
 * @param {number} other
 */
export function whyBetween(model, one, other) {
  const [from, to] = [Math.min(one, other) + 1, Math.max(one, other)];
  const cards = layersOf(model).slice(from, to);
  if (cards.length < 2) return whyNone(model, from);
  return `layers ${positions([from, to])} have no softmax attention: ${insteadOf(cards)}`;
}
