import { megabytes } from "../model/format.js";
import { listening, need } from "./dom.js";

/** @import {Progress, State, Store} from "../types.js" */

/** @param {Progress} progress */
export function amount({ bytes, total }) {
  return total ? `${megabytes(bytes)} of ${megabytes(total)}` : megabytes(bytes);
}

/**
 * How far a download is, beside the status, and the button that stops it. The words are not read out: they change four
 * times a second, and the bar can be asked.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {(model: string) => void} cancel
 * @returns {() => void} undo
 */
export function mountDownload(root, store, cancel) {
  /** @type {HTMLProgressElement} */
  const bar = need(root, "progress");
  const { on, undo } = listening();

  /** @param {State} now @param {State | null} before */
  function render({ status }, before) {
    if (status === before?.status) return;
    const { progress } = status;
    root.hidden = !progress;
    if (!progress) return;
    need(root, ".amount").textContent = amount(progress);
    if (progress.total) bar.value = progress.bytes / progress.total;
    else bar.removeAttribute("value");
  }

  on(need(root, "button"), "click", () => cancel(store.get().model));
  render(store.get(), null);
  const unsubscribe = store.subscribe(render);
  return () => {
    unsubscribe();
    undo();
  };
}
