import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { runAnalyses } from "../../../static/js/state/analyses.js";
import { createStore, initialState } from "../../../static/js/state/store.js";
import { gone } from "../servers.js";
import { captureOf } from "../worlds.js";

const DONE = { kind: "done", message: "" };
const encoder = new TextEncoder();

/** @param {[string, object][]} events */
const stream = (events) =>
  new Response(
    encoder.encode(events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("")),
  );

/** A page with a capture, and a server that answers every request for an analysis. @param {(path: string) => any} answer @param {object} [state] */
function pageOf(answer, state) {
  /** @type {string[]} */
  const requests = [];
  const api = {
    request: async (/** @type {string} */ _, /** @type {string} */ path) => {
      requests.push(path.split("/").slice(-2).join("/"));
      return answer(path);
    },
    capture: async () => captureOf(["a"]),
    abort: () => {},
  };
  const overview = { capture: captureOf(["a"]) };
  const store = createStore(/** @type {any} */ ({ ...initialState(), status: DONE, overview, ...state }));
  return { store, requests, analyses: runAnalyses(store, /** @type {any} */ (api)) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const similar = () => stream([["done", { heads: 3 }]]);

test("an analysis starts when its panel opens, once, and its result is shown", async () => {
  const { store, requests } = pageOf(similar);
  assert.deepEqual(requests, []);
  store.set({ panel: "similarity" });
  store.set({ top: 5, panel: "similarity" });
  await settled();
  assert.equal(requests.filter((path) => path === "abc/similarity").length, 1);
  assert.deepEqual(store.get().similarity, { id: "abc", result: { heads: 3 } });
});

test("a new capture needs a new result", async () => {
  const { store, requests } = pageOf(similar, { panel: "similarity" });
  await settled();
  store.set({ overview: /** @type {any} */ ({ capture: { ...captureOf(["b"]), id: "def" } }) });
  await settled();
  assert.deepEqual(
    requests.filter((path) => path.endsWith("similarity")),
    ["abc/similarity", "def/similarity"],
  );
  assert.equal(store.get().similarity?.id, "def");
});

test("during a run no analysis of the previous text starts, and after it one of the new text does", async () => {
  const { store, requests } = pageOf(similar, { status: { kind: "busy", message: "running …" } });
  store.set({ panel: "similarity" });
  await settled();
  assert.deepEqual(requests, []);
  const overview = /** @type {any} */ ({ capture: { ...captureOf(["b"]), id: "def" } });
  store.set({ overview, status: /** @type {any} */ (DONE) });
  await settled();
  assert.ok(requests.length > 0 && requests.every((path) => path.startsWith("def/")));
});

test("the progress of an analysis is shown", async () => {
  /** @type {string[]} */
  const messages = [];
  const answer = () =>
    stream([
      ["progress", { percent: 40.7 }],
      ["done", {}],
    ]);
  const { store } = pageOf(answer);
  store.watch(["panelStatus"], ({ panelStatus }) => messages.push(panelStatus.message));
  store.set({ panel: "rollout", score: null });
  await settled();
  assert.ok(messages.includes("computing the attention rollout … 40 %"), messages.join("\n"));
});

test("a failed analysis says why and can be tried again", async () => {
  let isUp = false;
  const { store, analyses } = pageOf(
    () => {
      if (!isUp) throw new ApiError(0, "unreachable", "the server does not answer");
      return stream([["done", { scores: [], choice: "" }]]);
    },
    { panel: "scores" },
  );
  await settled();
  assert.deepEqual(store.get().panelStatus, {
    kind: "error",
    message: "Failed: the server does not answer",
    retry: true,
  });
  isUp = true;
  analyses.retry();
  await settled();
  assert.equal(store.get().findings?.id, "abc");
  assert.equal(store.get().panelStatus.kind, "idle");
});

test("an analysis of an evicted capture captures the text again", async () => {
  let isFirst = true;
  const { store } = pageOf(
    () => {
      if (!isFirst) return stream([["done", {}]]);
      isFirst = false;
      throw gone();
    },
    { score: "entropy" },
  );
  await settled();
  assert.equal(store.get().findings?.id, "abc");
});
