import { isAbort } from "../api/error.js";
import { defaultHead } from "../model/default_head.js";
import { stacksOf } from "../model/stack.js";
import { withoutInvalid } from "../model/zoom.js";
import { requestOf } from "./captures.js";
import { mayLoad, mustAsk } from "./consent.js";
import {
  apiKeyOf,
  CANCELLED,
  failed,
  finished,
  IDLE,
  isReady,
  loading,
  NO_TEXT,
  queued,
  RUNNING,
  running,
  waiting,
  waitToRetry,
  writing,
} from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {ApiError} from "../api/error.js" */
/** @import {RunListener} from "../api/streams.js" */
/** @import {IsCurrent} from "./run_numbers.js" */
/** @import {createRunNumbers} from "./run_numbers.js" */
/** @import {Capture, ModelCard, Overview, State, Status, Store} from "../types.js" */

/** @typedef {{now: () => number, sleep: (milliseconds: number) => Promise<void>}} Clock */

/**
 * @param {Store} store
 * @param {IsCurrent} isCurrent
 * @param {unknown} error
 * @param {Partial<State>} removed what the page no longer shows, because it does not belong to what was requested
 */
export function report(store, isCurrent, error, removed) {
  if (!isCurrent() || isAbort(error)) return;
  const apiKey = apiKeyOf(error);
  store.set({ ...removed, ...(apiKey ? { apiKey, status: IDLE } : { status: failed(error, store.get()) }) });
}

/** The capture's model is loaded, and its size is known. @param {Store} store @param {Capture} capture */
function updateCard(store, { model: shown, card: model = shown }) {
  // The card of a capture does not say what has happened to the files since.
  const update = (/** @type {ModelCard} */ card) =>
    card.id !== model.id || (card.changed_on_disk && card.revision === model.revision) ? card : model;
  store.set({ models: store.get().models.map(update) });
}

/**
 * @param {Store} store
 * @param {Overview} overview
 * @param {number} milliseconds
 */
function showOverview(store, overview, milliseconds) {
  const { layer, stack: wanted } = store.get();
  const [first] = stacksOf(overview.capture.card);
  const stack = wanted === first?.name ? "" : wanted;
  store.set({
    overview,
    stack,
    pictured: requestOf({ ...store.get(), stack }),
    status: finished(overview.capture, milliseconds),
    ...(layer === null ? defaultHead(overview) : {}),
    ...withoutInvalid(overview.capture, store.get()),
  });
}

/**
 * Shows the progress of loading the model that the run waits for. The run itself reports its failure.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {IsCurrent} isCurrent
 */
async function followLoad(store, api, isCurrent) {
  const { model } = store.get();
  if (!model || isReady(store.get())) return;
  /** @param {Status} status */
  const show = (status) => isCurrent() && store.get().status.kind === "busy" && store.set({ status });
  try {
    await api.load(model, (progress) => show(loading(model, progress)));
    show(RUNNING);
  } catch {
    // The run fails with the same error.
  }
}

/** Messages about links that few visits need. */
export const loadIgnoredParts = () => import("./ignored_parts.js");

/** @param {Store} store @param {IsCurrent} isCurrent @returns {RunListener} */
const listener = (store, isCurrent) => ({
  onQueued: (position) => isCurrent() && store.set({ status: queued(position) }),
  onProgress: (run) => isCurrent() && store.set({ status: running(run) }),
  onWritten: (text, tokens) => isCurrent() && store.set({ status: writing(text, tokens) }),
  onLayer: (overview) => isCurrent() && store.set({ overview }),
});

/**
 * All heads of the text. While the server is busy, it is asked again after the time that it names.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Clock} clock
 * @param {IsCurrent} isCurrent
 * @param {number} [tries]
 * @returns {Promise<Overview>}
 */
async function fetchOverview(store, api, clock, isCurrent, tries = 1) {
  try {
    return await api.run(store.get(), listener(store, isCurrent));
  } catch (error) {
    if (!isCurrent()) throw error;
    const { stack, target } = store.get();
    const known = (stack || target) && (await loadIgnoredParts()).withoutUnknown(error, store.get());
    if (known) {
      store.set(known);
      return fetchOverview(store, api, clock, isCurrent, tries);
    }
    const status = waitToRetry(error, tries);
    if (!status) throw error;
    store.set({ status });
    await clock.sleep(/** @type {ApiError} */ (error).wait * 1000);
    if (!isCurrent()) throw error;
    return fetchOverview(store, api, clock, isCurrent, tries + 1);
  }
}

/** The list of models says which of them failed to load, why, and whose files have changed. @param {Store} store @param {Api} api */
async function refreshModels(store, api) {
  try {
    const { models } = await api.models();
    store.set({ models });
  } catch {
    // The list stays as it is: a run would report the same error.
  }
}

/**
 * Runs texts, one at a time: a newer run replaces an older one.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Clock} clock
 * @param {ReturnType<typeof createRunNumbers>} runNumbers
 * @param {() => Promise<void>} showHead called when the heads are there
 */
export function createRunner(store, api, clock, runNumbers, showHead) {
  /** The heads of the last run that finished. They are shown again if a later run fails. @type {Overview | null} */
  let finishedOverview = null;

  return {
    refreshModels: () => refreshModels(store, api),

    /** Run the state's text on the state's model, then show the state's head. */
    async run() {
      const isCurrent = runNumbers.next();
      api.abortText();
      const { overview: before, text } = store.get();
      // Without an id, it is that of an unfinished run.
      if (before?.capture.id !== "") finishedOverview = before;
      if (!text.trim())
        return store.set({ overview: null, pattern: null, pictured: null, question: "", status: NO_TEXT });
      store.set({ status: waiting(store.get()), question: "" });
      const started = clock.now();
      try {
        if (!mayLoad(store.get()) && (await mustAsk(store, api))) {
          if (isCurrent()) store.set({ status: IDLE, question: store.get().model, overview: finishedOverview });
          return;
        }
        if (!isCurrent()) return;
        followLoad(store, api, isCurrent);
        const overview = await fetchOverview(store, api, clock, isCurrent);
        if (!isCurrent()) return;
        updateCard(store, overview.capture);
        showOverview(store, overview, clock.now() - started);
        await showHead();
      } catch (error) {
        report(store, isCurrent, error, { overview: finishedOverview });
        if (isCurrent() && !isReady(store.get())) await refreshModels(store, api);
      }
    },

    /** Stop waiting for the run, and stop the download of its model. */
    async cancel() {
      const { model, status } = store.get();
      if (status.kind !== "busy") return;
      const isLoading = !isReady(store.get());
      const isCurrent = runNumbers.next();
      api.abortText();
      store.set({ overview: finishedOverview, status: CANCELLED });
      if (!isLoading) return;
      try {
        await api.cancel(model);
        await refreshModels(store, api);
      } catch (error) {
        report(store, isCurrent, error, {});
      }
    },
  };
}
