/** @import {State, Store} from "../types.js" */

/** @returns {State} */
export function initialState() {
  return {
    model: "",
    text: "",
    text_pair: "",
    truncate: false,
    layer: null,
    head: null,
    scale: "sqrt",
    rows: null,
    columns: null,
    fold: false,
    flip: false,
    as: "map",
    token: null,
    side: "query",
    words: false,
    show: "weights",
    score: null,
    sort: false,
    top: null,
    panel: "",
    start: null,
    upto: null,
    residual: null,
    raw: false,
    flow: false,
    probe: false,
    models: [],
    overview: null,
    pattern: null,
    order: null,
    findings: null,
    probed: null,
    alike: null,
    rolled: null,
    said: "",
    pointed: { query: null, key: null },
    line: null,
    cells: 512,
    drag: "zoom",
    status: { kind: "idle", message: "" },
    key: "",
    notice: "",
    dark: false,
  };
}

/**
 * The only state of the page. Listeners hear the state now and the one before, and compare what they draw.
 *
 * @param {State} initial
 * @returns {Store}
 */
export function createStore(initial) {
  let state = initial;
  /** @type {Set<(now: State, before: State) => void>} */
  const listeners = new Set();
  return {
    get: () => state,
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      // A listener may itself set: it gets its own round, and `now` stays what this round is about.
      const now = state;
      for (const listener of listeners) listener(now, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
