import { hasHead } from "../model/heads.js";
import { rangeOf, rankHeads } from "../model/ranking.js";
import { keyOf } from "../model/stack.js";

/** @import {HeadPlace, Store} from "../types.js" */

/** Sorts the heads by the chosen score, once the score is there. @param {Store} store */
function sortHeads(store) {
  const { sort, score, findings, overview, order: before } = store.get();
  const isOfGrid = findings?.id === keyOf(overview?.capture);
  const found = isOfGrid ? findings?.scores.find(({ name }) => name === score) : undefined;
  // If no head has the score, there is nothing to sort by.
  const now = sort && found && rangeOf(found.values) ? rankHeads(found.values) : null;
  const exists = (/** @type {HeadPlace} */ place) => hasHead(overview?.capture.model, place);
  const order = now?.filter(exists) ?? null;
  if (JSON.stringify(order) !== JSON.stringify(before)) store.set({ order });
}

/** An address may name a score that does not exist. @param {Store} store */
function removeUnknown(store) {
  const { score, findings } = store.get();
  if (score === null || !findings || findings.scores.some(({ name }) => name === score)) return;
  store.set({ score: null, sort: false, top: null, notice: `Ignored part of the link: score=${score}` });
}

/**
 * Keeps the order of the heads that of the chosen score.
 *
 * @param {Store} store
 * @returns {() => void} undo
 */
export function followScore(store) {
  const update = () => {
    removeUnknown(store);
    sortHeads(store);
  };
  update();
  return store.watch(["findings", "overview", "score", "sort"], update);
}
