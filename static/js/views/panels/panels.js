import { createCatalogueApi } from "../../api/analyses.js";
import { isAbort } from "../../api/client.js";
import { rangeOf, rankHeads } from "../../model/ranking.js";
import { using } from "../../state/detail_loader.js";
import { need } from "../../ui/dom.js";
import { mountTint } from "../grid/tint.js";
import { mountStanding } from "../inspect/scores_card.js";
import { mount as mountRollout } from "./rollout.js";
import { mount as mountScores } from "./scores.js";
import { mount as mountSimilarity } from "./similarity.js";

/** @import {Api} from "../../api/client.js" */
/** @import {Heard} from "../../api/analyses.js" */
/** @import {Actions, Capture, PlotlyLike, State, Store} from "../../types.js" */

/**
 * What is asked for only once the page shows it, and again for each capture.
 *
 * @typedef {object} Wish
 * @property {(state: State) => string} says while it is worked out
 * @property {(state: State) => boolean} wanted
 * @property {(state: State) => string} key of what is there, or on its way
 * @property {(capture: Capture, state: State, heard: Heard) => Promise<Partial<State>>} find
 * @property {Partial<State>} [lost] what is taken away where that fails
 */

/** @param {State} state */
const idOf = ({ overview }) => overview?.capture.id ?? "";

/** @param {State} state */
const through = ({ start, upto, residual, raw }) => ({
  start: start ?? 0,
  upto,
  residual: (residual ?? 50) / 100,
  receptive: raw ? false : null,
});

/** Of a rollout, so many cells are drawn along a side at most. */
const CELLS = 512;

/** @param {ReturnType<typeof createCatalogueApi>} ask @returns {Wish[]} */
const wishes = (ask) => [
  {
    says: () => "working out what every head does …",
    wanted: ({ score, panel }) => score !== null || panel !== "",
    key: idOf,
    async find(capture, _, heard) {
      // Both read all weights, the one after the other.
      const { scores } = await ask.scores(capture, (percent) => heard(percent / 2));
      const roles = await ask.roles(capture, (percent) => heard(50 + percent / 2));
      return { findings: { id: capture.id, scores, roles } };
    },
  },
  {
    says: () => "comparing each head with each …",
    wanted: ({ panel }) => panel === "similarity",
    key: idOf,
    find: async (capture, _, heard) => ({ alike: { id: capture.id, of: await ask.similarity(capture, heard) } }),
  },
  {
    says: ({ flow }) =>
      flow ? "working out the largest flow to each token …" : "following the text through the layers …",
    wanted: ({ panel }) => panel === "rollout",
    key: (state) => `${idOf(state)} ${state.flow} ${JSON.stringify(through(state))}`,
    async find(capture, state, heard) {
      const how = through(state);
      const matrix = state.flow ? await ask.flow(capture, how, heard) : await ask.rollout(capture, how, CELLS, heard);
      return { rolled: { id: capture.id, through: how, matrix, kind: state.flow ? "flow" : "rollout" } };
    },
    lost: { rolled: null },
  },
  {
    says: () => "running the standard probe …",
    wanted: ({ panel, probe }) => panel === "scores" && probe,
    key: ({ overview }) => overview?.capture.model.id ?? "",
    async find({ model }) {
      const { scores, choice } = await ask.probe(model.id);
      return { probed: { model: model.id, scores, choice } };
    },
    lost: { probe: false },
  },
];

/** @param {string} says @param {number} percent */
const saidOf = (says, percent) => (percent >= 1 ? `${says} ${Math.floor(percent)} %` : says);

/**
 * @param {Store} store
 * @param {Api} api
 * @param {Wish} wish
 */
function follow(store, api, wish) {
  let there = "";

  return async () => {
    const state = store.get();
    const capture = state.overview?.capture;
    const key = wish.key(state);
    if (!capture?.id || !wish.wanted(state) || there === key) return;
    there = key;
    /** @param {number} percent */
    const heard = (percent) => there === key && store.set({ said: saidOf(wish.says(state), percent) });
    heard(0);
    try {
      const found = await using(store, api, capture, (again) => wish.find(again, state, heard));
      if (there === key) store.set({ ...found, said: "" });
    } catch (error) {
      if (there !== key) return;
      there = "";
      if (isAbort(error)) store.set({ said: "" });
      else store.set({ ...wish.lost, said: `Not worked out: ${/** @type {Error} */ (error).message}` });
    }
  };
}

/** The grid's order is that of the score, once both are there. @param {Store} store */
function sort(store) {
  const { sort, score, findings, order: before } = store.get();
  const found = findings?.id === idOf(store.get()) ? findings.scores.find(({ name }) => name === score) : undefined;
  // Of what no head has, there is no order.
  const now = sort && found && rangeOf(found.values) ? rankHeads(found.values) : null;
  if (JSON.stringify(now) !== JSON.stringify(before)) store.set({ order: now });
}

/** A score that an address names and that there is not. @param {Store} store */
function refuse(store) {
  const { score, findings } = store.get();
  if (score === null || !findings || findings.scores.some(({ name }) => name === score)) return;
  store.set({ score: null, sort: false, top: null, notice: `left out of the address: score=${score}` });
}

/**
 * The part of the page that says what every head does. It comes when it is first asked for.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {Actions} actions
 * @param {() => Promise<PlotlyLike>} loadPlotly
 */
export function mountCatalogue(store, api, actions, loadPlotly) {
  const ask = createCatalogueApi(api);
  const tools = { store, actions, ask, loadPlotly };
  const followers = wishes(ask).map((wish) => follow(store, api, wish));
  const update = () => {
    for (const ask of followers) ask();
    refuse(store);
    sort(store);
  };
  const asks = /** @type {(keyof State)[]} */ (
    "overview score sort panel start upto residual raw flow probe findings".split(" ")
  );
  store.subscribe((now, before) => {
    // What one part could not work out is no matter of another.
    if (now.panel !== before.panel && now.said) store.set({ said: "" });
    if (asks.some((name) => now[name] !== before[name])) update();
  });
  mountTint(need(document, "#grid"), store);
  const places = { roles: need(document, "#facts .roles"), scores: need(document, "#scores .standing") };
  mountStanding(places, store);
  mountScores(need(document, "#scores"), tools);
  mountSimilarity(need(document, "#similarity"), tools);
  mountRollout(need(document, "#rollout"), tools);
  update();
}
