import { flagField, indexField, percentField } from "../../model/address_fields.js";
import { captureId } from "./descriptor.js";

/** @import {AnalysisApi, OnProgress} from "../../api/analyses.js" */
/** @import {Capture, RolloutOptions, State} from "../../types.js" */
/** @import {PanelDescriptor} from "./descriptor.js" */

/** A rollout is drawn with at most so many cells a side. */
const CELLS = 512;

/** Share of the residual stream in each layer, in percent, unless the reader chooses another. */
export const DEFAULT_RESIDUAL = 50;

/** @param {State} state @returns {RolloutOptions} */
const optionsOf = ({ start, upto, residual, raw }) => ({
  start: start ?? 0,
  upto,
  residual: (residual ?? DEFAULT_RESIDUAL) / 100,
  receptive: raw ? false : null,
});

/** @param {AnalysisApi} api @param {Capture} capture @param {RolloutOptions} options @param {OnProgress} onProgress */
function loadRollout(api, capture, { start, upto, residual, receptive }, onProgress) {
  const given = { start, layer: upto, residual, receptive, cells: CELLS, pool: "max" };
  const known = Object.entries(given).filter(([, value]) => value !== null);
  const query = new URLSearchParams(known.map(([name, value]) => [name, String(value)]));
  return api.analyseMatrix(capture, `rollout?${query}`, onProgress);
}

/** @param {AnalysisApi} api @param {Capture} capture @param {RolloutOptions} options @param {OnProgress} onProgress */
const loadFlow = (api, capture, { start, upto, residual, receptive }, onProgress) =>
  api.analyseMatrix(capture, "flow", onProgress, { start, layer: upto, residual, receptive });

/** @type {PanelDescriptor} */
export const rollout = {
  name: "rollout",
  label: "across layers",
  title: "Attention across layers",
  chart: "heatmap of the rollout: rows are tokens after the layers, columns are input tokens",
  fields: {
    start: indexField(),
    upto: indexField(),
    residual: percentField(),
    raw: flagField(),
    flow: flagField(),
  },
  results: { rollout: null },
  analyses: [
    {
      message: ({ flow }) =>
        flow ? "computing the maximum flow to each token …" : "computing the attention rollout …",
      isWanted: ({ panel }) => panel === "rollout",
      key: (state) => `${captureId(state)} ${state.flow} ${JSON.stringify(optionsOf(state))}`,
      async load(api, capture, state, onProgress) {
        const options = optionsOf(state);
        const load = state.flow ? loadFlow : loadRollout;
        const matrix = await load(api, capture, options, onProgress);
        return { rollout: { id: capture.id, options, matrix, kind: state.flow ? "flow" : "rollout" } };
      },
      onError: { rollout: null },
    },
  ],
};
