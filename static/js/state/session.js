import { isAbort } from "../api/client.js";
import { defaultHead } from "../model/default_head.js";
import { withoutInvalid } from "../model/zoom.js";
import { createLooking, using } from "./detail_loader.js";
import {
  failed,
  finished,
  IDLE,
  isReady,
  keyOf,
  loading,
  missing,
  patience,
  queued,
  RUNNING,
  running,
  waiting,
} from "./status.js";

/** @import {Api} from "../api/client.js" */
/** @import {Heard} from "../api/streams.js" */
/** @import {Capture, Overview, Pattern, State, Status, Store} from "../types.js" */

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
    ...(chosen ? {} : defaultHead(overview)),
    ...withoutInvalid(overview.capture, store.get()),
  });
}

/** What was wrong with the head before is over. @param {Store} store @param {Pattern} pattern */
function showPattern(store, pattern) {
  const { status } = store.get();
  store.set({ pattern, ...(status.kind === "error" ? { status: finished(pattern.capture) } : {}) });
}

/**
 * Says how far the model is that the capture waits for. What becomes of it, the capture says.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {() => boolean} isWanted false once something else was asked for
 */
async function watchLoad(store, api, isWanted) {
  const { model } = store.get();
  if (!model || isReady(store.get())) return;
  /** @param {Status} status */
  const say = (status) => isWanted() && store.get().status.kind === "busy" && store.set({ status });
  try {
    await api.load(model, (progress) => say(loading(model, progress)));
    say(RUNNING);
  } catch {
    // The capture meets the same error.
  }
}

/** What another picture is fetched for. */
const SHOWN = /** @type {const} */ (["layer", "head", "words", "show"]);

/** @param {State} asked @param {State} now */
const isOther = (asked, now) => SHOWN.some((name) => now[name] !== asked[name]);

/** The clock of the page; tests bring their own. */
const CLOCK = {
  now: () => performance.now(),
  /** @param {number} milliseconds @returns {Promise<void>} */
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/**
 * What the page does with the server: everything that waits for an answer and then changes the state.
 *
 * @param {Store} store
 * @param {Api} api
 * @param {typeof CLOCK} [clock]
 */
export function createSession(store, api, clock = CLOCK) {
  /** Runs are numbered, so that one which was overtaken while it waited cannot write over the newer. */
  let turn = 0;
  const looking = createLooking(store, api, clock);

  /**
   * A picture of something else than what was asked for would mislead, so it goes.
   *
   * @param {number} mine
   * @param {unknown} error
   * @param {Partial<State>} lost
   */
  function report(mine, error, lost) {
    if (mine !== turn || isAbort(error)) return;
    const key = keyOf(error);
    store.set({ ...lost, ...(key ? { key, status: IDLE } : { status: failed(error, store.get()) }) });
  }

  /** @param {number} mine @returns {Heard} */
  const hearing = (mine) => ({
    queued: (position) => mine === turn && store.set({ status: queued(position) }),
    running: (run) => mine === turn && store.set({ status: running(run) }),
    grown: (overview) => mine === turn && store.set({ overview }),
  });

  /**
   * @param {number} mine
   * @param {number} [tries]
   * @returns {Promise<Overview>}
   */
  async function heads(mine, tries = 1) {
    try {
      return await api.run(store.get(), hearing(mine));
    } catch (error) {
      const status = mine === turn && patience(error, tries);
      if (!status) throw error;
      store.set({ status });
      await clock.sleep(/** @type {import("../api/error.js").ApiError} */ (error).wait * 1000);
      if (mine !== turn) throw error;
      return heads(mine, tries + 1);
    }
  }

  /** @param {number} mine */
  async function showGrid(mine) {
    const started = clock.now();
    watchLoad(store, api, () => mine === turn);
    const overview = await heads(mine);
    if (mine !== turn) return;
    learnModel(store, overview.capture);
    showOverview(store, overview, clock.now() - started);
  }

  async function showHead() {
    const mine = turn;
    const asked = store.get();
    const { overview, layer, head } = asked;
    // While its layers arrive, a capture has no id: its run shows the head once it has ended.
    if (!overview?.capture.id || layer === null || head === null) return;
    const message = missing(overview.capture, layer, head);
    // Another head than the one that was asked for would be a guess: the reader chooses, and the address waits.
    if (message) return store.set({ pattern: null, status: { kind: "error", message } });
    try {
      const pattern = await using(store, api, overview.capture, (capture) =>
        api.pattern(capture, layer, head, asked.cells, asked),
      );
      if (mine !== turn || isOther(asked, store.get())) return;
      showPattern(store, pattern);
      await looking.showDetail(0);
    } catch (error) {
      report(mine, error, { pattern: null });
    }
  }

  /** Run the state's text on the state's model, then fetch the state's head. */
  async function run() {
    turn += 1;
    const mine = turn;
    api.forget();
    if (!store.get().text.trim()) return store.set({ overview: null, pattern: null, status: IDLE });
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
      store.set({ models, key: "" });
      if (store.get().status.kind === "busy") store.set({ status: waiting(store.get()) });
    } catch (error) {
      report(turn, error, {});
    }
  }

  /** @param {string} key */
  async function unlock(key) {
    const sent = api.unlock(key);
    store.set({ key: sent ? "" : "wrong" });
    if (sent) await Promise.all([loadModels(), run()]);
  }

  return { ...looking, run, showHead, loadModels, unlock };
}

/** @typedef {ReturnType<typeof createSession>} Session */
