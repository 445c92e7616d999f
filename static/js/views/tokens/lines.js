import { wantedLine } from "../../model/token_row.js";

/** @import {Actions, Store} from "../../types.js" */

/** Milliseconds that a hand rests on a token before its line is asked for. */
const REST = 60;

/**
 * Keeps the line of the token that the text shows at hand, where the picture of a long text does not hold it exactly.
 *
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function followLine(store, actions) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;

  async function look() {
    const wanted = wantedLine(store.get());
    const of = store.get().pattern?.matrix;
    if (!wanted || !of) return;
    const { token, side, window } = wanted;
    try {
      const matrix = await actions.fetchWeights("line", window);
      if (store.get().pattern?.matrix === of) store.set({ line: { of, token, side, matrix } });
    } catch {
      // What is said already stays: it is true, if less exact.
    }
  }

  const drawn = /** @type {const} */ (["pattern", "token", "hovered", "side"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (!drawn.some((name) => now[name] !== before[name])) return;
    clearTimeout(resting);
    if (wantedLine(now)) resting = setTimeout(look, REST);
  });
  return () => {
    unsubscribe();
    clearTimeout(resting);
  };
}
