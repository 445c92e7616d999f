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
    hovered: { query: null, key: null },
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
 * The only state of the page. A listener gets the state after a change and the state before it.
 *
 * @param {State} initial
 * @returns {Store}
 */
export function createStore(initial) {
  let state = initial;
  /** @type {Set<(now: State, before: State) => void>} */
  const listeners = new Set();
  /** @type {[now: State, before: State][]} changes that the listeners have not been called with yet */
  const changes = [];
  let isNotifying = false;

  /** A listener may itself call `set`: that change is delivered after this one, so that each listener gets them in order. */
  function notify() {
    if (isNotifying) return;
    isNotifying = true;
    try {
      for (let change = changes.shift(); change; change = changes.shift()) {
        for (const listener of listeners) listener(...change);
      }
    } finally {
      isNotifying = false;
    }
  }

  /** @param {(now: State, before: State) => void} listener */
  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return {
    get: () => state,
    set(patch) {
      const before = state;
      state = { ...state, ...patch };
      changes.push([state, before]);
      notify();
    },
    subscribe,
    watch: (names, listener) =>
      subscribe((now, before) => {
        if (names.some((name) => now[name] !== before[name])) listener(now, before);
      }),
  };
}
