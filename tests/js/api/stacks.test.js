import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi } from "../../../static/js/api/client.js";
import { headPath, partPath } from "../../../static/js/api/paths.js";
import { tokensOf } from "../../../static/js/model/stack.js";
import { initialState } from "../../../static/js/state/store.js";
import { answerOf, npyOf } from "../worlds.js";

const TEXT = ["the", "old", "cat", "[end]"];
const TARGET = ["[start]", "die"];
const answer = answerOf("cross", TEXT, TARGET);
const wanted = { ...initialState(), model: "toy", text: "the old cat", stack: /** @type {const} */ ("cross") };
const events = (/** @type {[string, object][]} */ ...list) =>
  new Response(list.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""));

/** @param {() => Response} respond */
function answering(respond) {
  /** @type {{path: string, body: any}[]} */
  const asked = [];
  const send = async (/** @type {any} */ path, /** @type {any} */ { body }) => {
    asked.push({ path, body: body && JSON.parse(body) });
    return respond();
  };
  return { api: createApi(/** @type {any} */ (send)), asked };
}

test("addresses of a capture name its stack, and those of other models name none", () => {
  const capture = { id: "a/b", stack: /** @type {const} */ ("cross") };
  const paths = [
    headPath(capture, 1, 2),
    headPath(capture, 1, 2, { words: true, show: "weights" }),
    partPath(capture, "similarity"),
    partPath(capture, "rollout?start=1"),
    partPath({ id: "a/b" }, "similarity"),
    partPath({ id: "a/b" }, "rollout?start=1"),
  ];
  assert.deepEqual(
    paths.map((path) => path.replace("/api/v1/captures/a%2Fb/", "")),
    [
      "heads/1/2?stack=cross&",
      "heads/1/2?stack=cross&words=true&",
      "similarity?stack=cross",
      "rollout?stack=cross&start=1",
      "similarity",
      "rollout?start=1",
    ],
  );
});

test("a target is sent only if it is given", async () => {
  const { api, asked } = answering(() => Response.json(answer));
  const capture = await api.capture({ ...wanted, target: "die Katze" });
  await api.capture({ ...wanted, target: " \n" });
  await api.capture({ ...wanted, stack: "" });
  assert.deepEqual(
    asked.map(({ path, body }) => [path, body.target]),
    [
      ["/api/v1/captures?stack=cross", "die Katze"],
      ["/api/v1/captures?stack=cross", undefined],
      ["/api/v1/captures", undefined],
    ],
  );
  assert.deepEqual(
    tokensOf(capture, "query").map(({ text }) => text),
    TARGET,
  );
});

test("a run of cross-attention has oblong thumbnails, and tells what the model writes", async () => {
  const { id, ...described } = answer;
  const unwritten = { ...described, target: null, target_tokens: null, target_written: null, queries: null };
  const { target, target_tokens, target_written, queries, keys } = described;
  const maps = btoa(String.fromCharCode(...Array.from({ length: 3 * 2 * 4 }, (_, at) => at)));
  const { api, asked } = answering(() =>
    events(
      ["tokens", unwritten],
      ["token", { text: "\u00b7die" }],
      ["token", { text: "\u00b7Katze" }],
      ["target", { target, target_tokens, target_written, queries, keys }],
      ["layer", { layer: 0, stack: "cross", rows: 2, cells: 4, maps }],
      ["layer", { layer: 1, stack: "cross", rows: 2, cells: 2, maps: maps.slice(0, 16) }],
      ["done", answer],
    ),
  );
  /** @type {any[]} */
  const calls = [];
  const overview = await api.run(wanted, {
    onQueued: () => {},
    onProgress: ({ tokens, done, layers }) => calls.push(`${tokens}: ${done} of ${layers}`),
    onWritten: (text, tokens) => calls.push(`${text} (${tokens})`),
    onLayer: ({ capture, at }) => calls.push([capture.queries, capture.keys, at(0, 2)?.values.length]),
  });
  assert.deepEqual(calls, [
    "4: 0 of 2",
    "die (1)",
    "die Katze (2)",
    "4: 0 of 2",
    "4: 1 of 2",
    [2, 4, 8],
    "4: 2 of 2",
    [2, 4, 8],
  ]);
  assert.match(asked[0].path, /&stack=cross$/);
  const { values, ...shape } = overview.at(0, 1) ?? {};
  assert.deepEqual(shape, { rows: 2, columns: 4, queryStep: 1, keyStep: 1, queries: [0, 2], keys: [0, 4] });
  const pooled = overview.at(1, 2);
  assert.deepEqual([pooled?.values.length, pooled?.queryStep, pooled?.keyStep], [4, 1, 2]);
  assert.equal(values?.[0], Math.fround((8 / 255) ** 2));
  assert.deepEqual(
    [overview.layers, overview.capture.model.causal, overview.capture.card?.stacks?.length],
    [2, false, 3],
  );
});

test("the words of both texts are requested once, and name the axes", async () => {
  const facts = { "X-Headscope": JSON.stringify({ rows: [0, 1], columns: [0, 2], query_step: 1, key_step: 1 }) };
  const word = (/** @type {string} */ text) => ({ text, start: 0, end: 1, special: false, segment: 0 });
  const words = { words: [word("the old"), word("cat")], target_words: [word("die")] };
  /** @type {string[]} */
  const paths = [];
  const api = createApi(
    /** @type {any} */ (
      async (/** @type {string} */ path) => {
        paths.push(path.replace("/api/v1/captures/abc/", ""));
        return path.endsWith("/words")
          ? Response.json(words)
          : new Response(npyOf([1, 2], [0.5, 0.5]), { headers: facts });
      }
    ),
  );
  const { capture } = await api.pattern(/** @type {any} */ (await sessionCapture()), 1, 2, 32, { words: true });
  assert.deepEqual(paths, ["heads/1/2?stack=cross&words=true&cells=32&pool=max", "words"]);
  assert.deepEqual([capture.queries, capture.keys, tokensOf(capture, "query")[0]?.text], [1, 2, "die"]);
});

const sessionCapture = () => answering(() => Response.json(answer)).api.capture(wanted);
