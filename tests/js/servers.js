// Fake servers for the tests of the page, and sessions that use them.

import { ApiError } from "../../static/js/api/error.js";
import { createSession } from "../../static/js/state/session.js";
import { createStore, initialState } from "../../static/js/state/store.js";
import { captureOf, matrixOf } from "./worlds.js";

export const gone = () => new ApiError(404, "capture_gone", "the capture is gone");
export const eye = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** @param {any} capture */
export const overviewOf = (capture) => ({ capture, layers: 2, heads: 3, at: () => matrixOf(eye) });

/** A server that answers at once and counts the requests. @param {object} [replaced] */
export function apiOf(replaced = {}) {
  const calls = { capture: 0, run: 0, pattern: 0 };
  const count =
    (/** @type {keyof calls} */ name, /** @type {any} */ answer) =>
    async (/** @type {any[]} */ ...given) => {
      calls[name] += 1;
      return answer(...given);
    };
  const answers = {
    capture: () => captureOf(["a", "b", "c"]),
    run: () => overviewOf(captureOf(["a", "b", "c"])),
    pattern: (/** @type {any} */ capture, /** @type {number} */ layer, /** @type {number} */ head) => ({
      capture,
      layer,
      head,
      matrix: matrixOf(eye),
    }),
    ...replaced,
  };
  const [capture, run, pattern] = [
    count("capture", answers.capture),
    count("run", answers.run),
    count("pattern", answers.pattern),
  ];
  const models = async () => ({ default: "toy", models: [{ ...captureOf(["a"]).model, state: "available" }] });
  return {
    calls,
    api: /** @type {any} */ ({
      load: async () => captureOf(["a"]).model,
      ...replaced,
      capture,
      run,
      pattern,
      models,
      abortText: () => {},
      cancel: async () => {},
      unlock: (/** @type {string} */ key) => key !== "",
    }),
  };
}

const clock = { now: () => 0, sleep: async () => {} };

/** @param {any} api @param {object} [state] */
export function sessionOf(api, state) {
  const store = createStore({ ...initialState(), model: "toy", defaultModel: "toy", text: "a b c", ...state });
  return { store, session: createSession(store, api, clock) };
}
