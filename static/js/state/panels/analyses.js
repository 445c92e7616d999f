import { isCross, keyOf } from "../../model/stack.js";
import { DEFAULT_RESIDUAL, whyNot } from "./rollout.js";

/** @import {AnalysisApi, OnProgress} from "../../api/analyses.js" */
/** @import {Capture, RolloutOptions, State} from "../../types.js" */

/**
 * Something that a panel requests from the server, once for each key.
 *
 * @typedef {object} Analysis
 * @property {(state: State) => boolean} isWanted
 * @property {(state: State) => string} key when it changes, the result no longer fits and is requested again
 * @property {(state: State) => string} message shown while the analysis runs
 * @property {(api: AnalysisApi, capture: Capture, state: State, onProgress: OnProgress) => Promise<Partial<State>>} load
 * @property {Partial<State>} [onError] how the state changes when the analysis fails
 */

/** The capture and its stack. @param {Pick<State, "overview">} state */
export const captureKey = ({ overview }) => keyOf(overview?.capture);

/** A rollout is drawn with at most so many cells a side. */
const CELLS = 512;

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

/** What the panels request. Loaded with the first of them. @type {Analysis[]} */
export const ANALYSES = [
  {
    message: () => "computing scores and roles of all heads …",
    // The grid shows scores too, and the facts about a head show its roles beside any open panel.
    isWanted: ({ score, panel }) => score !== null || panel !== "",
    key: captureKey,
    async load(api, capture, _, onProgress) {
      // Roles describe attention within one text.
      const answer = isCross(capture)
        ? api.analyse(capture, "scores", onProgress)
        : api.analyse(capture, "scores?roles=true", onProgress);
      const { scores: found, roles, sink } = await answer;
      return { findings: { id: keyOf(capture), scores: found, roles: roles ? { roles, sink } : null } };
    },
  },
  {
    message: () => "running the induction probe …",
    isWanted: ({ panel, probe }) => panel === "scores" && probe,
    key: ({ overview }) => overview?.capture.model.id ?? "",
    async load(api, { model }) {
      const { scores: found, choice } = await api.probe(model.id);
      return { probeResult: { model: model.id, scores: found, choice } };
    },
    onError: { probe: false },
  },
  {
    message: () => "comparing all pairs of heads …",
    isWanted: ({ panel }) => panel === "similarity",
    key: captureKey,
    load: async (api, capture, _, onProgress) => ({
      similarity: { id: keyOf(capture), result: await api.analyse(capture, "similarity", onProgress) },
    }),
  },
  {
    message: ({ flow }) => (flow ? "computing the maximum flow to each token …" : "computing the attention rollout …"),
    isWanted: (state) => state.panel === "rollout" && !whyNot(state),
    key: (state) => `${captureKey(state)} ${state.flow} ${JSON.stringify(optionsOf(state))}`,
    async load(api, capture, state, onProgress) {
      const options = optionsOf(state);
      const load = state.flow ? loadFlow : loadRollout;
      const matrix = await load(api, capture, options, onProgress);
      return { rollout: { id: keyOf(capture), options, matrix, kind: state.flow ? "flow" : "rollout" } };
    },
    onError: { rollout: null },
  },
];
