/** @import {State, Store} from "../types.js" */

/** A wait shorter than this needs no clock. */
const PATIENCE = 2000;

/**
 * How long a run is on its way, in words; nothing while that is no matter.
 *
 * @param {number} milliseconds
 */
export const elapsedWords = (milliseconds) => (milliseconds < PATIENCE ? "" : `${Math.floor(milliseconds / 1000)} s`);

/**
 * A clock beside the status, for runs that take their time: a model that has to be fetched first, a server that is busy.
 * It is not read out, which would be once a second.
 *
 * @param {HTMLElement} place
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountElapsed(place, store) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;

  function stop() {
    clearInterval(ticking);
    ticking = undefined;
    place.textContent = "";
  }

  /** @param {State} now */
  function render({ status }) {
    if (status.kind !== "busy") stop();
    else if (ticking === undefined) {
      const started = performance.now();
      ticking = setInterval(() => {
        place.textContent = elapsedWords(performance.now() - started);
      }, 1000);
    }
  }

  render(store.get());
  const unsubscribe = store.subscribe(render);
  return () => {
    unsubscribe();
    stop();
  };
}
