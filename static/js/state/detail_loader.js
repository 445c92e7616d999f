import { isAbort } from "../api/client.js";
import { ApiError } from "../api/error.js";
import { wantedDetail } from "../model/resolution.js";
import { failed } from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {Capture, Store, Window} from "../types.js" */

/**
 * A capture may be evicted while the page is open: the same text gives it back, once.
 *
 * @template T
 * @param {Store} store
 * @param {Api} api
 * @param {Capture} capture
 * @param {(capture: Capture) => Promise<T>} use
 */
export async function using(store, api, capture, use) {
  try {
    return await use(capture);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "capture_gone")) throw error;
    return use(await api.capture(store.get()));
  }
}

/** Milliseconds after which a hand that moves the window has come to rest. */
const SETTLE = 100;

/**
 * What the page fetches while a reader looks closer at the head that is shown.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {{sleep: (milliseconds: number) => Promise<void>}} clock
 */
export function createLooking(store, api, clock) {
  /** Looks are numbered, so that one which was overtaken while it waited cannot write over the newer. */
  let looks = 0;

  /**
   * A window of the head that is shown.
   *
   * @param {"detail" | "cell" | "line"} kind
   * @param {Window} window
   * @param {number} [cells]
   */
  async function fetchWeights(kind, window, cells) {
    const { pattern } = store.get();
    if (!pattern) throw new Error("no head is shown");
    return using(store, api, pattern.capture, (capture) => api.window(kind, { ...pattern, capture }, window, cells));
  }

  /**
   * Fetches the window that is looked at, where the whole is not sharp enough for it. A hand that moves it on asks for
   * many, of which only the last matters.
   *
   * @param {number} [settle] milliseconds to wait for the next
   */
  async function showDetail(settle = SETTLE) {
    looks += 1;
    const [look, asked] = [looks, store.get().pattern];
    const stands = () => look === looks && store.get().pattern === asked;
    if (!asked || !wantedDetail(store.get())) return;
    try {
      await clock.sleep(settle);
      const window = wantedDetail(store.get());
      if (!stands() || !window) return;
      // It was widened to whole cells by less than one at each end.
      const detail = await fetchWeights("detail", window, store.get().cells + 2);
      if (stands()) store.set({ pattern: { ...asked, detail } });
    } catch (error) {
      if (stands() && !isAbort(error)) store.set({ status: failed(error, store.get()) });
    }
  }

  return { showDetail, fetchWeights };
}
