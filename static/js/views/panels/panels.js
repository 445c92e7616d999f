import { runAnalyses } from "../../state/analyses.js";
import { PANELS } from "../../state/panels/index.js";
import { followScore } from "../../state/score_order.js";
import { need } from "../../ui/dom.js";
import { lazyModule } from "../../ui/lazy.js";
import { mountColouring } from "../grid/colouring.js";
import { mountRoles } from "../inspect/scores_card.js";

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
 */

/** @typedef {{mount: (root: HTMLElement, tools: Tools) => () => void}} PanelView */

/** How each panel is drawn; loaded when it is opened for the first time. @type {Map<string, () => Promise<PanelView>>} */
const VIEWS = new Map(PANELS.map(({ name }) => [name, lazyModule((query) => import(`./${name}.js${query}`))]));

/**
 * Draws each panel from the first time that it is open.
 *
 * @param {Tools} tools
 * @param {(error: unknown) => void} onError
 */
function createMounter(tools, onError) {
  /** @type {Set<string>} */
  const mounted = new Set();

  return async () => {
    const { panel } = tools.store.get();
    const load = VIEWS.get(panel);
    if (!load || mounted.has(panel)) return;
    try {
      const { mount } = await load();
      if (mounted.has(panel)) return;
      mounted.add(panel);
      mount(need(document, `#${panel}`), tools);
    } catch (error) {
      onError(error);
    }
  };
}

/**
 * Scores, roles and panels. Loaded when the first of them is needed.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 * @param {(error: unknown) => void} onError called when the code of a panel does not load
 * @returns {{retry: () => void}}
 */
export function mountPanels(store, api, actions, loadPlotly, onError) {
  const { analysisApi, retry } = runAnalyses(store, api);
  followScore(store);
  mountColouring(need(document, "#grid"), store);
  mountRoles(need(document, "#facts .roles"), store);
  const mountOpen = createMounter({ store, actions, analysisApi, loadPlotly }, onError);
  mountOpen();
  store.watch(["panel"], mountOpen);
  return {
    retry() {
      mountOpen();
      retry();
    },
  };
}
