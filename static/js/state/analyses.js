import { createAnalysisApi } from "../api/analyses.js";
import { isAbort } from "../api/error.js";
import { withCapture } from "./captures.js";
import { ANALYSES } from "./panels/analyses.js";
import { PANEL_FIELDS } from "./panels/index.js";
import { IDLE } from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {AnalysisApi} from "../api/analyses.js" */
/** @import {Analysis} from "./panels/analyses.js" */
/** @import {State, Status, Store} from "../types.js" */

/** @param {string} message @param {number} percent @returns {Status} */
const progress = (message, percent) => ({
  kind: "busy",
  message: percent >= 1 ? `${message} ${Math.floor(percent)} %` : message,
});

/**
 * Starts an analysis when it is wanted and its result is not there; shows its progress and its result.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {AnalysisApi} analysisApi
 * @param {Analysis} analysis
 */
function follow(store, api, analysisApi, analysis) {
  /** The key of the result that is there, or that is being computed. */
  let current = "";

  return async () => {
    const state = store.get();
    const capture = state.overview?.capture;
    const key = analysis.key(state);
    // During a run, the heads on the page are still those of the previous text.
    if (state.status.kind === "busy" || !capture?.id || !analysis.isWanted(state) || current === key) return;
    current = key;
    const isCurrent = () => current === key;
    /** @param {number} percent */
    const onProgress = (percent) =>
      isCurrent() && store.set({ panelStatus: progress(analysis.message(state), percent) });
    onProgress(0);
    try {
      const result = await withCapture(store, api, capture, (captured) =>
        analysis.load(analysisApi, captured, state, onProgress),
      );
      if (isCurrent()) store.set({ ...result, panelStatus: IDLE });
    } catch (error) {
      if (!isCurrent()) return;
      current = "";
      if (isAbort(error)) return store.set({ panelStatus: IDLE });
      const message = `Failed: ${/** @type {Error} */ (error).message}`;
      store.set({ ...analysis.onError, panelStatus: { kind: "error", message, retry: true } });
    }
  };
}

/** Fields that decide which analyses are wanted. */
const DECISIVE = /** @type {(keyof State)[]} */ ([
  "overview",
  "status",
  "score",
  "panel",
  ...Object.keys(PANEL_FIELDS),
]);

/**
 * Runs the analyses of all panels as they are needed.
 *
 * @param {Store} store
 * @param {Api} api
 * @returns {{analysisApi: AnalysisApi, retry: () => void, stop: () => void}}
 */
export function runAnalyses(store, api) {
  const analysisApi = createAnalysisApi(api);
  const followers = ANALYSES.map((each) => follow(store, api, analysisApi, each));
  const update = () => {
    for (const start of followers) start();
  };
  const undos = [
    // A message about one panel does not belong to another.
    store.watch(["panel"], () => store.set({ panelStatus: IDLE })),
    store.watch(DECISIVE, update),
  ];
  update();
  return {
    analysisApi,
    /** Starts those that failed. */
    retry: update,
    stop() {
      for (const undo of undos) undo();
    },
  };
}
