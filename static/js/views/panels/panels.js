import { runAnalyses } from "../../state/analyses.js";
import { PANELS } from "../../state/panels/index.js";
import { followScore } from "../../state/score_order.js";
import { IDLE } from "../../state/status.js";
import { need } from "../../ui/dom.js";
import { lazyModule } from "../../ui/lazy.js";
import { loadStyleSheet } from "../../ui/style_sheet.js";
import { mountColouring } from "../grid/colouring.js";
import { mountRoles } from "../inspect/roles_and_scores.js";

/** Awaited before the panels are mounted. */
export const loadStyles = () => loadStyleSheet("panels");

/** @import {Api} from "../../api/client.js" */
/** @import {AnalysisApi} from "../../api/analyses.js" */
/** @import {Actions, PlotlyLike, Store} from "../../types.js" */

/**
 * What a panel is drawn with.
 *
 * @typedef {object} Tools
 * @property {Store} store
 * @property {Actions} actions
 * @property {AnalysisApi} analysisApi
 * @property {() => Promise<PlotlyLike>} loadPlotly
 * @property {(error: unknown, redraw: () => void) => void} onChartError shows that a chart could not be drawn
 */

/** @typedef {{mount: (root: HTMLElement, tools: Tools) => () => void}} PanelView */

/** How each panel is drawn; loaded when it is opened for the first time. @type {Map<string, () => Promise<PanelView>>} */
const VIEWS = new Map(PANELS.map(({ name }) => [name, lazyModule((query) => import(`./${name}.js${query}`))]));

/**
 * Draws each panel from the first time that it is open. If its code does not load, `retry` and the next run that
 * succeeds load it again.
 *
 * @param {Tools} tools
 * @param {(error: unknown) => void} onError
 * @returns {{retry: () => Promise<boolean>}} its answer is false if the code did not load
 */
function createMounter(tools, onError) {
  /** @type {Set<string>} */
  const mounted = new Set();
  const { store } = tools;
  /** Of the open panel. @type {{error: unknown} | null} */
  let failure = null;

  async function mountOpen() {
    failure = null;
    const { panel } = store.get();
    const load = VIEWS.get(panel);
    if (!load || mounted.has(panel)) return true;
    try {
      const { mount } = await load();
      if (mounted.has(panel)) return true;
      mounted.add(panel);
      mount(need(document, `#${panel}`), tools);
    } catch (error) {
      if (store.get().panel !== panel) return true;
      failure = { error };
      onError(error);
    }
    return failure === null;
  }

  async function retry() {
    const before = store.get().panelStatus;
    const isMounted = await mountOpen();
    if (isMounted && before.kind === "error" && store.get().panelStatus === before) store.set({ panelStatus: IDLE });
    return isMounted;
  }

  mountOpen();
  store.watch(["panel"], mountOpen);
  store.watch(["status"], ({ status }) => {
    if (failure && status.kind === "done") retry();
  });
  // The end of an analysis removes the message of the panel, which is still not there.
  store.watch(["panelStatus"], ({ panelStatus }) => {
    if (failure && panelStatus.kind === "idle") onError(failure.error);
  });
  return { retry };
}

/**
 * Scores, roles and panels. Loaded when the first of them is needed.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {(error: unknown) => void} onError called when the code of a panel does not load
 * @returns {{retry: () => Promise<void>}}
 */
export function mountPanels(store, api, actions, loadPlotly, onError) {
  const { analysisApi, retry } = runAnalyses(store, api);
  followScore(store);
  mountColouring(need(document, "#grid"), store);
  mountRoles(need(document, "#facts .roles"), store);
  let redraw = () => {};
  /** @type {Tools["onChartError"]} */
  const onChartError = (error, again) => {
    redraw = again;
    const message = `Failed: the chart could not be drawn (${error})`;
    store.set({ panelStatus: { kind: "error", message, retry: true } });
  };
  const mounter = createMounter({ store, actions, analysisApi, loadPlotly, onChartError }, onError);
  return {
    async retry() {
      if (!(await mounter.retry())) return;
      retry();
      redraw();
    },
  };
}
