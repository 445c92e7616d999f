import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { apiOf, gone, sessionOf } from "../servers.js";
import { captureOf, matrixOf } from "../worlds.js";

const capture = captureOf(Array(1024).fill("a"));
const pattern = {
  capture,
  layer: 0,
  head: 0,
  matrix: { ...matrixOf([[1]]), queries: [0, 1024], keys: [0, 1024], queryStep: 2, keyStep: 2 },
  detail: null,
};
const window = { rows: [256, 512], columns: [0, 256] };
const closer = { ...matrixOf([[0.5]]), queries: [256, 512], keys: [0, 256] };

/** A page that shows a window of a long text, and a server with this answer. @param {any} answer @param {object} [state] */
function lookingOn(answer, state) {
  /** @type {any[]} */
  const asked = [];
  const { api, calls } = apiOf();
  const part = async (/** @type {any[]} */ ...given) => {
    asked.push(given);
    return answer(...given);
  };
  return { asked, calls, ...sessionOf({ ...api, window: part }, { pattern, ...window, ...state }) };
}

test("a window is fetched if the heatmap of the whole text is too coarse for it", async () => {
  const { store, session, asked } = lookingOn(() => closer);
  await session.showDetail();
  assert.deepEqual(asked, [["detail", { ...pattern, capture }, window, 514]]);
  assert.equal(store.get().pattern.detail, closer);
  assert.equal(store.get().pattern.matrix, pattern.matrix);
  await session.showDetail();
  assert.equal(asked.length, 1);
});

test("only the last of several quick moves is fetched, and older answers are not shown", async () => {
  /** @type {((matrix: any) => void)[]} */
  const finish = [];
  const { store, session, asked } = lookingOn(() => new Promise((resolve) => finish.push(resolve)));
  const first = session.showDetail();
  store.set({ rows: [300, 500] });
  const second = session.showDetail();
  await new Promise(setImmediate);
  assert.deepEqual(
    asked.map(([, , { rows }]) => rows),
    [[300, 500]],
  );
  store.set({ rows: [0, 100] });
  const third = session.showDetail();
  await new Promise(setImmediate);
  finish[1](closer);
  finish[0]({ ...closer, queries: [300, 500] });
  await Promise.all([first, second, third]);
  assert.equal(store.get().pattern.detail, closer);
});

test("a window of an evicted capture is fetched after capturing the text again", async () => {
  let first = true;
  const { store, session, calls } = lookingOn(() => {
    if (!first) return closer;
    first = false;
    throw gone();
  });
  await session.showDetail();
  assert.deepEqual([calls.capture, store.get().pattern.detail], [1, closer]);
});

test("a window that fails is an error, and the heatmap of the whole text stays", async () => {
  const { store, session } = lookingOn(() => {
    throw new ApiError(503, "busy", "32 requests are waiting already");
  });
  await session.showDetail();
  assert.deepEqual([store.get().status.kind, store.get().pattern], ["error", pattern]);
});
