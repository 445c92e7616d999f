import { defaultHead } from "../model/default_head.js";
import { hasHead, lacksEffects, layersOf } from "../model/heads.js";
import { withCapture } from "./captures.js";
import { createDetailLoader } from "./detail_loader.js";
import { createRunner, loadIgnoredParts, report } from "./run.js";
import { createRunNumbers } from "./run_numbers.js";
import { finished, waiting } from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {IsCurrent} from "./run_numbers.js" */
/** @import {Overview, Pattern, State, Store} from "../types.js" */

/** A change of one of these needs another heatmap of a head. */
const HEATMAP_FIELDS = /** @type {const} */ (["layer", "head", "words", "show"]);

/** @param {State} requested @param {State} now */
const isOutdated = (requested, now) => HEATMAP_FIELDS.some((name) => now[name] !== requested[name]);

/** Also ends an error about the head that was chosen before. @param {Store} store @param {Pattern} pattern */
function showPattern(store, pattern) {
  const { status } = store.get();
  store.set({ pattern, ...(status.kind === "error" ? { status: finished(pattern.capture) } : {}) });
}

/**
 * A link may name a head, or effects, that the model does not have: the default head is shown instead, or weights.
 *
 * @param {Store} store
 * @param {IsCurrent} isCurrent
 * @param {Overview} overview
 */
async function replaceMissing(store, isCurrent, overview) {
  const { layer, head, show, notice } = store.get();
  const { capture } = overview;
  const { model, layers, heads } = capture;
  const isThere =
    layer === null || head === null || (layer < layers && head < heads && hasHead(model, { layer, head }));
  const lacks =
    show === "bias" ? !layersOf(model)[layer ?? 0]?.bias : ["effect", "layer"].includes(show) && lacksEffects(model);
  if (isThere && !lacks) return;
  const { missing, notShown } = await loadIgnoredParts();
  if (!isCurrent()) return;
  const message = isThere ? null : missing(capture, Number(layer), Number(head));
  const effects = lacks ? notShown(capture, show) : null;
  const words = [message, effects].filter(Boolean).join(" ");
  store.set({
    ...(message ? defaultHead(overview) : {}),
    ...(effects ? { show: "weights" } : {}),
    notice: [notice, words].filter(Boolean).join(". "),
  });
}

/** Tests bring their own. */
const CLOCK = {
  now: () => performance.now(),
  /** @param {number} milliseconds @returns {Promise<void>} */
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/**
 * Everything that waits for the server and then changes the state.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {typeof CLOCK} [clock]
 */
export function createSession(store, api, clock = CLOCK) {
  const runNumbers = createRunNumbers();
  const details = createDetailLoader(store, api, clock);
  const runner = createRunner(store, api, clock, runNumbers, showHead);

  /** Fetch the heatmap of the state's head. */
  async function showHead() {
    const isCurrent = runNumbers.current();
    const { overview } = store.get();
    // While its layers arrive, a capture has no id. Its run shows the head at the end.
    if (!overview?.capture.id) return;
    await replaceMissing(store, isCurrent, overview);
    if (!isCurrent()) return;
    const requested = store.get();
    const { layer, head } = requested;
    if (layer === null || head === null) return;
    try {
      const pattern = await withCapture(store, api, overview.capture, (capture) =>
        api.pattern(capture, layer, head, requested.cells, requested),
      );
      if (!isCurrent() || isOutdated(requested, store.get())) return;
      showPattern(store, pattern);
      await details.showDetail(0);
    } catch (error) {
      report(store, isCurrent, error, { pattern: null });
    }
  }

  async function loadModels() {
    const isCurrent = runNumbers.current();
    try {
      const { models } = await api.models();
      store.set({ models, apiKey: "" });
      if (store.get().status.kind === "busy") store.set({ status: waiting(store.get()) });
    } catch (error) {
      report(store, isCurrent, error, {});
    }
  }

  /** @param {string} key */
  async function unlock(key) {
    const isSent = api.unlock(key);
    store.set({ apiKey: isSent ? "" : "rejected" });
    if (isSent) await Promise.all([loadModels(), runner.run()]);
  }

  return { ...details, ...runner, showHead, loadModels, unlock };
}

/** @typedef {ReturnType<typeof createSession>} Session */
