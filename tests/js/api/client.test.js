import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi } from "../../../static/js/api/client.js";
import { ApiError, isAbort } from "../../../static/js/api/error.js";
import { headPath } from "../../../static/js/api/paths.js";
import { captureOf, npyOf } from "../worlds.js";

/** A server with one answer, which records its requests. @param {() => Response} answer */
function answering(answer) {
  /** @type {{path: string, options: any}[]} */
  const asked = [];
  const send = async (/** @type {any} */ path, /** @type {any} */ options) => {
    asked.push({ path, options });
    return answer();
  };
  return { api: createApi(/** @type {any} */ (send)), asked };
}

test("a capture is requested with text and model", async () => {
  const capture = captureOf(["a"]);
  const { api, asked } = answering(() => Response.json(capture, { status: 201 }));
  assert.deepEqual(await api.capture({ model: "toy", text: "a", text_pair: "" }), capture);
  assert.equal(asked[0].path, "/api/v1/captures");
  assert.deepEqual(JSON.parse(asked[0].options.body), { text: "a", text_pair: null, model: "toy" });
});

const events = (/** @type {[string, object][]} */ ...list) =>
  new Response(list.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join(""));
/** @type {any} */
const silent = { onQueued: () => {}, onProgress: () => {}, onLayer: () => {} };
const request = { model: "toy", text: "a", text_pair: "", truncate: false };

test("a run reports its layers as they arrive, and each head has its own cells", async () => {
  const { id, ...tokens } = captureOf(["a", "b", "c", "d"]);
  const steps = (/** @type {number} */ first) =>
    btoa(String.fromCharCode(...Array.from({ length: 12 }, (_, at) => first + at)));
  const layer = (/** @type {number} */ number) => ({ layer: number, cells: 2, bend: "sqrt", maps: steps(12 * number) });
  const { api, asked } = answering(() =>
    events(
      ["queued", { position: 2 }],
      ["tokens", tokens],
      ["layer", layer(0)],
      ["layer", layer(1)],
      ["done", { id, ...tokens }],
    ),
  );
  /** @type {any[]} */
  const calls = [];
  const overview = await api.run(request, {
    onQueued: (position) => calls.push(position),
    onProgress: ({ tokens, done, layers, seconds }) => calls.push(`${tokens} ${done}/${layers} ${seconds}`),
    onLayer: ({ capture, at }) => calls.push([capture.id, at(0, 0) !== null, at(1, 2) !== null]),
  });
  assert.deepEqual(calls, [2, "4 0/2 null", "4 1/2 null", ["", true, false], "4 2/2 null", ["", true, true]]);
  assert.deepEqual([overview.capture.id, overview.layers, overview.heads], ["abc", 2, 3]);
  const { values, ...rest } = overview.at(1, 2);
  assert.deepEqual(rest, { rows: 2, columns: 2, queryStep: 2, keyStep: 2, queries: [0, 4], keys: [0, 4] });
  assert.deepEqual(
    [...values],
    [20, 21, 22, 23].map((step) => Math.fround((step / 255) ** 2)),
  );
  assert.equal(overview.at(2, 0), null);
  assert.equal(asked[0].options.headers.Accept, "text/event-stream");
});

test("a stream that ends early is an error, and so is an error event", async () => {
  await assert.rejects(answering(() => events()).api.run(request, silent), { code: "unreachable" });
  const problem = { status: 413, code: "too_large", detail: "too many" };
  await assert.rejects(answering(() => events(["error", problem])).api.run(request, silent), { code: "too_large" });
});

test("a window of a head has its tokens, and how many of them a cell covers", async () => {
  const facts = JSON.stringify({ rows: [2, 5], columns: [0, 4], query_step: 2, key_step: 2 });
  const answer = () => new Response(npyOf([2, 2], [1, 2, 3, 4]), { headers: { "X-Headscope": facts } });
  const { api, asked } = answering(answer);
  const pattern = { capture: captureOf(["a", "b", "c", "d", "e"]), layer: 1, head: 2 };
  const { values, ...rest } = await api.window("detail", pattern, { rows: [2, 5], columns: [0, 4] }, 2);
  assert.deepEqual(rest, { rows: 2, columns: 2, queryStep: 2, keyStep: 2, queries: [2, 5], keys: [0, 4] });
  assert.equal(asked[0].path, "/api/v1/captures/abc/heads/1/2?rows=2:5&columns=0:4&cells=2&pool=max");
  assert.equal(asked[0].options.headers.Accept, "application/x-npy");
});

/** A matrix of the first tokens, as the server sends it. @param {number[]} values */
const sent = (values) => {
  const side = Math.sqrt(values.length);
  const facts = JSON.stringify({ rows: [0, side], columns: [0, side], query_step: 1, key_step: 1 });
  return new Response(npyOf([side, side], values), { headers: { "X-Headscope": facts } });
};

test("weights, words and effects of a head have different paths, and so has the effect of its layer", () => {
  const path = (/** @type {any} */ shown) =>
    headPath({ id: "a/b" }, 1, 2, shown).replace("/api/v1/captures/a%2Fb/", "");
  assert.equal(path(undefined), "heads/1/2?");
  assert.equal(path({ words: false, show: "weights" }), "heads/1/2?");
  assert.equal(path({ words: true, show: "weights" }), "heads/1/2?words=true&");
  assert.equal(path({ words: false, show: "effect" }), "heads/1/2?quantity=norm&");
  assert.equal(path({ words: false, show: "layer" }), "norms/1?");
});

test("effects are shares of the longest, in windows too", async () => {
  const capture = captureOf(["a", "b"]);
  let values = [8, 0, 2, 4];
  const { api, asked } = answering(() => sent(values));
  const pattern = await api.pattern(capture, 1, 2, 32, { words: false, show: "effect" });
  assert.deepEqual([pattern.longest, [...pattern.matrix.values]], [8, [1, 0, 0.25, 0.5]]);
  values = [2];
  const part = await api.window("cell", pattern, { rows: [1, 2], columns: [0, 1] });
  assert.deepEqual([...part.values], [0.25]);
  assert.deepEqual(
    asked.map(({ path }) => path.replace("/api/v1/captures/abc/", "")),
    ["heads/1/2?quantity=norm&cells=32&pool=max", "heads/1/2?quantity=norm&rows=1:2&columns=0:1"],
  );
});

test("effects that are all 0 stay 0", async () => {
  const { api } = answering(() => sent([0, 0, 0, 0]));
  const pattern = await api.pattern(captureOf(["a", "b"]), 1, 2, 32, { words: false, show: "layer" });
  assert.deepEqual([pattern.longest, [...pattern.matrix.values]], [0, [0, 0, 0, 0]]);
});

test("weights are not scaled", async () => {
  const { api } = answering(() => sent([1, 0, 0.5, 0.5]));
  const pattern = await api.pattern(captureOf(["a", "b"]), 1, 2, 32, { words: false, show: "weights" });
  assert.deepEqual([pattern.longest, [...pattern.matrix.values]], [undefined, [1, 0, 0.5, 0.5]]);
});

/** A server of a text of three tokens in two words. @param {(path: string) => Response} matrix */
const wordy = (matrix) => async (/** @type {any} */ path) =>
  path.endsWith("/words")
    ? Response.json({
        words: [
          { text: "ab", start: 0, end: 2, special: false, segment: 0 },
          { text: "c", start: 3, end: 4, special: false, segment: 0 },
        ],
      })
    : matrix(path);

test("a heatmap of words has words in the place of tokens", async () => {
  const api = createApi(/** @type {any} */ (wordy(() => sent([1, 0, 0.5, 0.5]))));
  const { capture, words } = await api.pattern(captureOf(["a", "##b", "c"]), 1, 2, 32, { words: true });
  assert.deepEqual([capture.id, capture.queries, capture.keys, words], ["abc", 2, 2, true]);
  assert.deepEqual(
    capture.tokens.map(({ text, index }) => `${index} ${text}`),
    ["0 ab", "1 c"],
  );
});

test("a heatmap of words that fails is one error, and no unhandled rejection", async (context) => {
  /** @type {unknown[]} */
  const unheard = [];
  const hear = (/** @type {unknown} */ reason) => unheard.push(reason);
  process.on("unhandledRejection", hear);
  context.after(() => process.off("unhandledRejection", hear));
  const problem = () => Response.json({ code: "busy", detail: "32 wait already" }, { status: 503 });
  const api = createApi(/** @type {any} */ (async () => problem()));
  await assert.rejects(api.pattern(captureOf(["a"]), 1, 2, 32, { words: true }), { code: "busy" });
  await new Promise(setImmediate);
  assert.deepEqual(unheard, []);
});

test("an error keeps the text of the server", async () => {
  const problem = { status: 422, code: "too_many_tokens", detail: "the text has 600 tokens, the model reads 512" };
  const { api } = answering(() => Response.json(problem, { status: 422 }));
  await assert.rejects(api.capture({ model: "toy", text: "a", text_pair: "" }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.message], [422, "too_many_tokens", problem.detail]);
    return true;
  });
});

test("an error without problem details still has a message", async () => {
  const { api } = answering(() => new Response("<h1>502</h1>", { status: 502 }));
  await assert.rejects(api.models(), { message: "the server answered 502", status: 502 });
});

test("a server that cannot be reached has its own error code", async () => {
  const { api } = answering(() => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(api.models(), { code: "unreachable", status: 0 });
});

test("a newer request of a kind aborts the older one, and no other kind", async () => {
  /** @type {{path: string, signal: AbortSignal}[]} */
  const asked = [];
  const send = (/** @type {any} */ path, /** @type {any} */ { signal }) =>
    new Promise((_, reject) => {
      asked.push({ path, signal });
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const api = createApi(/** @type {any} */ (send));
  const capture = captureOf(["a"]);
  const first = api.pattern(capture, 0, 0);
  api.run(request, silent).catch(() => {});
  api.pattern(capture, 0, 1).catch(() => {});
  await assert.rejects(first, isAbort);
  assert.deepEqual(
    asked.map(({ signal }) => signal.aborted),
    [true, false, false],
  );
  api.abortText();
  assert.ok(asked.every(({ signal }) => signal.aborted));
});

test("the second sentence is sent with the first", async () => {
  const { api, asked } = answering(() => Response.json(captureOf(["a"])));
  await api.capture({ model: "toy", text: "a", text_pair: "b" });
  assert.equal(JSON.parse(asked[0].options.body).text_pair, "b");
});

test("the key is sent with every request and never in an address", async () => {
  const { api, asked } = answering(() => Response.json({}));
  await api.models();
  assert.equal(api.unlock("s3cret"), true);
  await api.models();
  await api.capture({ model: "toy", text: "a", text_pair: "" });
  assert.deepEqual(
    asked.map(({ options }) => options.headers.Authorization),
    [undefined, "Bearer s3cret", "Bearer s3cret"],
  );
  assert.ok(asked.every(({ path }) => !path.includes("s3cret")));
});

test("a key that no header can carry is not sent", () => {
  const { api } = answering(() => Response.json({}));
  assert.deepEqual([api.unlock("schlüssel"), api.unlock("two\nlines"), api.unlock("")], [false, false, false]);
});

test("a wrong key and a missing key are different errors", async () => {
  const { api } = answering(() => Response.json({ code: "key_refused", detail: "needs a key" }, { status: 401 }));
  await assert.rejects(api.models(), { code: "key_refused" });
  api.unlock("guess");
  await assert.rejects(api.models(), { code: "key_wrong" });
});

test("an error keeps the time from Retry-After", async () => {
  const busy = { status: 503, headers: { "Retry-After": "2" } };
  const { api } = answering(() => Response.json({ code: "busy", detail: "32 wait already" }, busy));
  await assert.rejects(api.models(), { code: "busy", wait: 2 });
});

/** A server whose answers the test gives one by one. */
function waiting() {
  /** @type {{path: string, signal: AbortSignal, answer: (response: Response) => void}[]} */
  const requests = [];
  const send = (/** @type {any} */ path, /** @type {any} */ { signal }) =>
    new Promise((resolve, reject) => {
      requests.push({ path, signal, answer: resolve });
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  return { api: createApi(/** @type {any} */ (send)), requests };
}

test("callers that need the same capture share one request", async () => {
  const { api, requests } = waiting();
  const [one, other] = [api.capture(request), api.capture({ ...request })];
  assert.equal(requests.length, 1);
  requests[0].answer(Response.json(captureOf(["a"])));
  assert.deepEqual(await one, await other);
  api.capture(request).catch(() => {});
  assert.equal(requests.length, 2);
});

test("a request for an evicted capture does not abort a run", async () => {
  const { api, requests } = waiting();
  api.run({ ...request, text: "new" }, silent).catch(() => {});
  api.capture(request).catch(() => {});
  assert.deepEqual(
    requests.map(({ signal }) => signal.aborted),
    [false, false],
  );
});

test("a new run aborts every request about the text, and none about models or files", () => {
  const { api, requests } = waiting();
  const started = [api.request("a-new-panel", "/x"), api.models(), api.file("/y"), api.load("toy", () => {})];
  for (const each of started) each.catch(() => {});
  api.abortText();
  assert.deepEqual(
    requests.map(({ signal }) => signal.aborted),
    [true, false, false, true],
  );
});
