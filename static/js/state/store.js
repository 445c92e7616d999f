import { PANEL_RESULTS } from "./panels/index.js";
import { IDLE } from "./status.js";
import { emptyAddress } from "./url.js";

/** @import {State, Store} from "../types.js" */

/** @returns {State} */
export const initialState = () => ({
  ...emptyAddress(),
  draft: null,
  models: [],
  defaultModel: "",
  chosenModels: [],
  question: "",
  overview: null,
  pattern: null,
  pictured: null,
  order: null,
  ...PANEL_RESULTS,
  panelStatus: IDLE,
  hovered: { query: null, key: null },
  line: null,
  cells: 512,
  drag: "zoom",
  status: IDLE,
  apiKey: "",
  notice: "",
  dark: false,
});

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
