import { megabytes } from "../model/format.js";
import { listening, need } from "./dom.js";

/** @import {Progress, State, Store} from "../types.js" */

/** A run that takes longer shows its time and can be cancelled, in milliseconds. */
const LONG = 2000;

/** @param {Progress} progress */
export function downloaded({ bytes, total }) {
  return total ? `${megabytes(bytes)} of ${megabytes(total)}` : megabytes(bytes);
}

/** Time since the start of a run, in whole seconds; empty for a short run. @param {number} milliseconds */
export const elapsedTime = (milliseconds) => (milliseconds < LONG ? "" : `${Math.floor(milliseconds / 1000)} s`);

/**
 * The progress of a run: a bar for the download of its model, the time since its start, and a button that cancels it.
 * Amount and time are hidden from screen readers, because they change several times a second.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {() => void} cancel
 * @returns {() => void} undo
 */
export function mountRunProgress(root, store, cancel) {
  /** @type {HTMLProgressElement} */
  const bar = need(root, "progress");
  const [amount, clock, button] = [need(root, ".amount"), need(root, ".elapsed"), need(root, "button")];
  const { on, undo } = listening();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;

  function stopClock() {
    clearInterval(timer);
    timer = undefined;
    clock.textContent = "";
    button.hidden = true;
  }

  function startClock() {
    const started = performance.now();
    timer = setInterval(() => {
      clock.textContent = elapsedTime(performance.now() - started);
      button.hidden = false;
    }, LONG / 2);
  }

  /** @param {Progress | undefined} progress */
  function showDownload(progress) {
    for (const part of [bar, amount]) part.hidden = !progress;
    if (!progress) return;
    button.hidden = false;
    amount.textContent = downloaded(progress);
    if (progress.total) bar.value = progress.bytes / progress.total;
    else bar.removeAttribute("value");
  }

  /** @param {State} state */
  function render({ status }) {
    const isBusy = status.kind === "busy";
    root.hidden = !isBusy;
    if (!isBusy) stopClock();
    else if (timer === undefined) startClock();
    showDownload(status.progress);
  }

  on(button, "click", cancel);
  render(store.get());
  const unwatch = store.watch(["status"], render);
  return () => {
    unwatch();
    stopClock();
    undo();
  };
}
