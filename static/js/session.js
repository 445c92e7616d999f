import { ApiError, isAbort } from "./api.js";
import { plural, seconds } from "./format.js";
import { mostTelling } from "./matrix.js";

/** @import {Api} from "./api.js" */
/** @import {Capture, State, Status, Store} from "./types.js" */

/** @param {State} state @returns {Status} */
export function waiting(state) {
  const card = state.models.find((model) => model.id === state.model);
  const loading = card && card.state !== "ready";
  return { kind: "busy", message: loading ? `loading ${card.id} …` : "running …" };
}

/** @param {unknown} error @returns {Status} */
export function failed(error) {
  if (!(error instanceof ApiError)) return { kind: "error", message: `the page failed: ${error}`, retry: true };
  // The same text is refused for the same reason; only what passes (a full queue, a lost connection) is worth asking again.
  const passes = error.status === 0 || error.status >= 500 || error.status === 429 || error.code === "capture_gone";
  return { kind: "error", message: error.message, retry: passes };
}

/** @param {Capture} capture @param {number} milliseconds @returns {Status} */
function finished(capture, milliseconds) {
  const size = `${plural(capture.tokens.length, "token")}, ${plural(capture.layers * capture.heads, "head")}`;
  return { kind: "done", message: `${size}, ${seconds(milliseconds)}` };
}

/** @param {State} state @param {Capture} capture */
const holds = (state, capture) =>
  state.layer !== null && state.head !== null && state.layer < capture.layers && state.head < capture.heads;

/** @param {State} state @param {Capture} capture */
function missing(state, capture) {
  return `${capture.model.id} has layers 0..${capture.layers - 1} and heads 0..${capture.heads - 1}, no layer ${state.layer}, head ${state.head}`;
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
   * A capture may be evicted while the page is open: the same text gives it back, once.
   *
   * @template T
   * @param {Capture} capture
   * @param {(capture: Capture) => Promise<T>} use
   */
  async function using(capture, use) {
    try {
      return await use(capture);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "capture_gone")) throw error;
      const { model, text } = store.get();
      return use(await api.capture(model, text));
    }
  }

  /** @param {number} mine @param {unknown} error */
  function report(mine, error) {
    if (mine === turn && !isAbort(error)) store.set({ status: failed(error) });
  }

  /** @param {Capture} capture */
  function learn(capture) {
    const models = store.get().models.map((card) => (card.id === capture.model.id ? capture.model : card));
    store.set({ models });
  }

  /** @param {number} mine */
  async function grid(mine) {
    const started = clock();
    const { model, text } = store.get();
    const posted = await api.capture(model, text);
    if (mine !== turn) return;
    learn(posted);
    const overview = await using(posted, api.overview);
    if (mine !== turn) return;
    const state = store.get();
    const chosen = holds(state, overview.capture);
    const note =
      !chosen && state.layer !== null
        ? { kind: /** @type {const} */ ("error"), message: missing(state, overview.capture) }
        : null;
    store.set({
      overview,
      status: note ?? finished(overview.capture, clock() - started),
      ...(chosen ? {} : mostTelling(overview)),
    });
  }

  async function showHead() {
    const mine = turn;
    const { overview, layer, head } = store.get();
    if (!overview || layer === null || head === null) return;
    try {
      const pattern = await using(overview.capture, (capture) => api.pattern(capture, layer, head));
      const now = store.get();
      if (mine === turn && now.layer === layer && now.head === head) store.set({ pattern });
    } catch (error) {
      report(mine, error);
    }
  }

  return {
    /** Run the state's text on the state's model, then fetch the state's head. */
    async run() {
      turn += 1;
      const mine = turn;
      api.forget();
      if (!store.get().text.trim()) {
        store.set({ overview: null, pattern: null, status: { kind: "idle", message: "" } });
        return;
      }
      store.set({ status: waiting(store.get()) });
      try {
        await grid(mine);
        if (mine === turn) await showHead();
      } catch (error) {
        report(mine, error);
      }
    },

    showHead,

    async loadModels() {
      try {
        const { models } = await api.models();
        store.set({ models });
        if (store.get().status.kind === "busy") store.set({ status: waiting(store.get()) });
      } catch (error) {
        report(turn, error);
      }
    },
  };
}

/** @typedef {ReturnType<typeof createSession>} Session */
