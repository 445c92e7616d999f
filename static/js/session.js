import { ApiError, isAbort } from "./api.js";
import { plural, seconds } from "./format.js";
import { mostTelling } from "./opening.js";
import { withoutMisfits } from "./zoom.js";

/** @import {Api} from "./api.js" */
/** @import {Capture, Overview, Pattern, State, Status, Store} from "./types.js" */

/** @param {State} state @returns {Status} */
export function waiting(state) {
  const card = state.models.find((model) => model.id === state.model);
  const loading = card && card.state !== "ready";
  return { kind: "busy", message: loading ? `loading ${card.id} …` : "running …" };
}

/** Which field of the page a refusal is about, by the code of the error. @type {Record<string, Status["about"]>} */
const FIELDS = {
  empty_text: "text",
  text_too_long: "text",
  too_many_tokens: "text",
  invalid_input: "text",
  model_not_found: "model",
};

/** @param {unknown} error @param {State} state @returns {Status} */
export function failed(error, { model }) {
  if (!(error instanceof ApiError)) return { kind: "error", message: `the page failed: ${error}`, retry: true };
  // The same text is refused for the same reason; only what passes (a full queue, a lost connection) is worth asking again.
  const passes = error.status === 0 || error.status >= 500 || error.status === 429 || error.code === "capture_gone";
  // The server's way out is an address of the API; a reader has the list of models in front of them.
  const message =
    error.code === "model_not_found" ? `${model}: this server has no such model; choose another above` : error.message;
  return { kind: "error", message, retry: passes, about: FIELDS[error.code] };
}

/** @param {Capture} capture @param {number} [milliseconds] @returns {Status} */
function finished(capture, milliseconds) {
  const size = `${plural(capture.tokens.length, "token")}, ${plural(capture.layers * capture.heads, "head")}`;
  return { kind: "done", message: milliseconds === undefined ? size : `${size}, ${seconds(milliseconds)}` };
}

/**
 * What is wrong with a head that an address asks for; null for one that the model has.
 *
 * @param {Capture} capture
 * @param {number} layer
 * @param {number} head
 */
export function missing({ model, layers, heads }, layer, head) {
  const wayOut = "choose a head in the grid";
  if (layer >= layers) return `layer ${layer}: ${model.id} has layers 0..${layers - 1}; ${wayOut}`;
  if (head >= heads) return `head ${head} of layer ${layer}: ${model.id} has heads 0..${heads - 1}; ${wayOut}`;
  return null;
}

/**
 * A capture may be evicted while the page is open: the same text gives it back, once.
 *
 * @template T
 * @param {Store} store
 * @param {Api} api
 * @param {Capture} capture
 * @param {(capture: Capture) => Promise<T>} use
 */
async function using(store, api, capture, use) {
  try {
    return await use(capture);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "capture_gone")) throw error;
    const { model, text } = store.get();
    return use(await api.capture(model, text));
  }
}

/** The model of an answer is ready, and its sizes are known. @param {Store} store @param {Capture} capture */
function learnModel(store, capture) {
  const models = store.get().models.map((card) => (card.id === capture.model.id ? capture.model : card));
  store.set({ models });
}

/**
 * @param {Store} store
 * @param {Overview} overview
 * @param {number} milliseconds
 */
function showOverview(store, overview, milliseconds) {
  const chosen = store.get().layer !== null;
  store.set({
    overview,
    status: finished(overview.capture, milliseconds),
    ...(chosen ? {} : mostTelling(overview)),
    ...withoutMisfits(overview.capture, store.get()),
  });
}

/** What was wrong with the head before is over. @param {Store} store @param {Pattern} pattern */
function showPattern(store, pattern) {
  const { status } = store.get();
  store.set({ pattern, ...(status.kind === "error" ? { status: finished(pattern.capture) } : {}) });
}

/**
 * What the page does with the server: everything that waits for an answer and then changes the state.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {() => number} [clock] milliseconds
 */
export function createSession(store, api, clock = () => performance.now()) {
  /** Runs are numbered, so that one which was overtaken while it waited cannot write over the newer. */
  let turn = 0;

  /**
   * A picture of something else than what was asked for would mislead, so it goes.
   *
   * @param {number} mine
   * @param {unknown} error
   * @param {Partial<State>} lost
   */
  function report(mine, error, lost) {
    if (mine === turn && !isAbort(error)) store.set({ ...lost, status: failed(error, store.get()) });
  }

  /** @param {number} mine */
  async function showGrid(mine) {
    const started = clock();
    const { model, text } = store.get();
    const capture = await api.capture(model, text);
    if (mine !== turn) return;
    learnModel(store, capture);
    const overview = await using(store, api, capture, api.overview);
    if (mine === turn) showOverview(store, overview, clock() - started);
  }

  async function showHead() {
    const mine = turn;
    const { overview, layer, head } = store.get();
    if (!overview || layer === null || head === null) return;
    const message = missing(overview.capture, layer, head);
    if (message) {
      // Another head than the one that was asked for would be a guess: the reader chooses, and the address waits.
      store.set({ pattern: null, status: { kind: "error", message } });
      return;
    }
    try {
      const pattern = await using(store, api, overview.capture, (capture) => api.pattern(capture, layer, head));
      const now = store.get();
      if (mine === turn && now.layer === layer && now.head === head) showPattern(store, pattern);
    } catch (error) {
      report(mine, error, { pattern: null });
    }
  }

  /** Run the state's text on the state's model, then fetch the state's head. */
  async function run() {
    turn += 1;
    const mine = turn;
    api.forget();
    if (!store.get().text.trim()) {
      store.set({ overview: null, pattern: null, status: { kind: "idle", message: "" } });
      return;
    }
    store.set({ status: waiting(store.get()) });
    try {
      await showGrid(mine);
      if (mine === turn) await showHead();
    } catch (error) {
      report(mine, error, { overview: null, pattern: null });
    }
  }

  async function loadModels() {
    try {
      const { models } = await api.models();
      store.set({ models });
      if (store.get().status.kind === "busy") store.set({ status: waiting(store.get()) });
    } catch (error) {
      report(turn, error, {});
    }
  }

  return { run, showHead, loadModels };
}

/** @typedef {ReturnType<typeof createSession>} Session */
