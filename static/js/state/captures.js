import { ApiError } from "../api/error.js";

/** @import {Api} from "../api/client.js" */
/** @import {Capture, CaptureRequest, Store} from "../types.js" */

/** What the capture of a state is made of. @param {CaptureRequest} state @returns {CaptureRequest} */
export const requestOf = ({ model, text, text_pair, target, stack, truncate }) => ({
  model,
  text,
  text_pair,
  target,
  stack,
  truncate,
});

/**
 * Uses a capture. If the server has evicted it, the same text is captured again, once.
 *
 * @template T
 * @param {Store} store
 * @param {Api} api
 * @param {Capture} capture
 * @param {(capture: Capture) => Promise<T>} use
 */
export async function withCapture(store, api, capture, use) {
  // Taken now: the reader may run another text meanwhile.
  const wanted = requestOf(store.get().pictured ?? store.get());
  try {
    return await use(capture);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "capture_gone")) throw error;
    return use(await api.capture(wanted));
  }
}
