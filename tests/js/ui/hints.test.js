import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../../static/js/state/store.js";
import { used } from "../../../static/js/ui/hints.js";

const open = { ...initialState(), layer: 1, head: 2 };

test("a hint disappears once its control was used by the reader, not by the page itself", () => {
  assert.deepEqual(used(open, initialState()), []);
  assert.deepEqual(used({ ...open, head: 3 }, open), ["grid"]);
  assert.deepEqual(used({ ...open, rows: [0, 2] }, open), ["zoom"]);
  assert.deepEqual(used(open, { ...open, rows: [0, 2] }), []);
  assert.deepEqual(used({ ...open, token: 0 }, open), ["strip"]);
  assert.deepEqual(used({ ...open, text: "first" }, open), []);
  const running = { ...open, text: "first", model: "one" };
  for (const [name, patch] of Object.entries({
    text: { text: "second" },
    model: { model: "other" },
    pair: { text_pair: "second" },
    scale: { scale: /** @type {const} */ ("log") },
    fold: { fold: true },
    flip: { flip: true },
    table: { as: /** @type {const} */ ("table") },
    side: { side: /** @type {const} */ ("key") },
  })) {
    assert.deepEqual(used({ ...running, ...patch }, running), [name]);
  }
  assert.deepEqual(used(open, { ...open, token: 0 }), []);
});
