import { wantedLine } from "../../model/token_weights.js";

/** @import {Actions, Store} from "../../types.js" */

/** Milliseconds that a token is shown before its line is fetched. */
const DELAY = 60;

/**
 * Fetches the exact weights of the token that the strip shows, where the heatmap of a long text is pooled.
 *
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountLineLoader(store, actions) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function load() {
    const wanted = wantedLine(store.get());
    const of = store.get().pattern?.matrix;
    if (!wanted || !of) return;
    const { token, side, window } = wanted;
    try {
      const matrix = await actions.fetchWeights("line", window);
      if (store.get().pattern?.matrix === of) store.set({ line: { of, token, side, matrix } });
    } catch {
      // The readout stays as it is: correct, but less exact.
    }
  }

  function update() {
    clearTimeout(timer);
    if (wantedLine(store.get())) timer = setTimeout(load, DELAY);
  }

  update();
  const unwatch = store.watch(["pattern", "token", "hovered", "side"], update);
  return () => {
    unwatch();
    clearTimeout(timer);
  };
}
