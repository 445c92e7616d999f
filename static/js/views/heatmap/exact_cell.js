import { coverOf, isExact, isMasked, sharpest } from "../../model/matrix.js";

/** @import {Actions, Cell, Matrix, Pattern} from "../../types.js" */

/** Milliseconds that the pointer stays on a pooled cell before its single weights are fetched. */
const DELAY = 120;

/** @param {Pattern} pattern @param {Cell} cell */
function isPooled(pattern, cell) {
  const matrix = sharpest(pattern, cell);
  const { row, column } = coverOf(matrix, cell);
  return !isExact(matrix) && !isMasked(matrix, pattern.capture.model.causal, row, column);
}

/**
 * Fetches the single weights of the pooled cell under the pointer.
 *
 * @param {Actions} actions
 */
export function createExactCell(actions) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let newest = 0;

  /** @param {Pattern} pattern @param {Cell} cell @param {(exact: Matrix) => void} onLoaded */
  async function load(pattern, cell, onLoaded) {
    const mine = newest;
    const { queries, keys } = coverOf(sharpest(pattern, cell), cell);
    try {
      const exact = await actions.fetchWeights("cell", { rows: queries, columns: keys });
      if (mine === newest) onLoaded(exact);
    } catch {
      // The tooltip stays as it is: correct, but less exact.
    }
  }

  function cancel() {
    newest += 1;
    clearTimeout(timer);
  }

  return {
    cancel,
    /** @param {Pattern} pattern @param {Cell} cell @param {(exact: Matrix) => void} onLoaded */
    request(pattern, cell, onLoaded) {
      cancel();
      if (isPooled(pattern, cell)) timer = setTimeout(() => load(pattern, cell, onLoaded), DELAY);
    },
  };
}
