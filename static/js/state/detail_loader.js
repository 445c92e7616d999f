import { isAbort } from "../api/error.js";
import { wantedDetail } from "../model/wanted_window.js";
import { withCapture } from "./captures.js";
import { failed } from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {Store, Window} from "../types.js" */

/** Milliseconds without a move after which the window is fetched. */
const SETTLE = 100;

/**
 * Fetches parts of the head that is shown, at a higher resolution.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {{sleep: (milliseconds: number) => Promise<void>}} clock
 */
export function createDetailLoader(store, api, clock) {
  /** Requests are numbered, so that an answer to an older one is recognised and not shown. */
  let latest = 0;

  /**
   * The weights of a window of the head that is shown.
   *
   * @param {"detail" | "cell" | "line"} kind
   * @param {Window} window
   * @param {number} [cells]
   */
  async function fetchWeights(kind, window, cells) {
    const { pattern } = store.get();
    if (!pattern) throw new Error("no head is shown");
    return withCapture(store, api, pattern.capture, (capture) =>
      api.window(kind, { ...pattern, capture }, window, cells),
    );
  }

  /**
   * Fetches the shown window, if the heatmap of the whole text is too coarse for it. While the window moves, only its
   * last position is fetched.
   *
   * @param {number} [settle] milliseconds to wait for the next move
   */
  async function showDetail(settle = SETTLE) {
    latest += 1;
    const [mine, pattern] = [latest, store.get().pattern];
    const isCurrent = () => mine === latest && store.get().pattern === pattern;
    if (!pattern || !wantedDetail(store.get())) return;
    try {
      await clock.sleep(settle);
      const window = wantedDetail(store.get());
      if (!isCurrent() || !window) return;
      // The window was widened to whole cells, by less than one cell at each end.
      const detail = await fetchWeights("detail", window, store.get().cells + 2);
      if (isCurrent()) store.set({ pattern: { ...pattern, detail } });
    } catch (error) {
      if (isCurrent() && !isAbort(error)) store.set({ status: failed(error, store.get()) });
    }
  }

  return { showDetail, fetchWeights };
}
