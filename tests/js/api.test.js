import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createApi, isAbort } from "../../static/js/api.js";
import { captureOf, npyOf } from "./worlds.js";

/** A server of one answer, which keeps what it was asked. @param {() => Response} answer */
function answering(answer) {
  /** @type {{path: string, options: any}[]} */
  const asked = [];
  const send = async (/** @type {any} */ path, /** @type {any} */ options) => {
    asked.push({ path, options });
    return answer();
  };
  return { api: createApi(/** @type {any} */ (send)), asked };
}

const npy = (/** @type {number[]} */ shape, /** @type {number[]} */ values, /** @type {object} */ facts) =>
  new Response(npyOf(shape, values), { headers: { "X-Headscope": JSON.stringify(facts) } });

test("a capture is asked for by text and model", async () => {
  const capture = captureOf(["a"]);
  const { api, asked } = answering(() => Response.json(capture, { status: 201 }));
  assert.deepEqual(await api.capture({ model: "toy", text: "a", text_pair: "" }), capture);
  assert.equal(asked[0].path, "/api/v1/captures");
  assert.deepEqual(JSON.parse(asked[0].options.body), { text: "a", text_pair: null, model: "toy" });
});

test("an overview gives each head its own cells", async () => {
  const values = Array.from({ length: 2 * 3 * 4 }, (_, at) => at);
  const { api } = answering(() => npy([2, 3, 2, 2], values, { query_step: 2, key_step: 2 }));
  const overview = await api.overview(captureOf(["a", "b", "c", "d"]));
  assert.deepEqual([overview.layers, overview.heads], [2, 3]);
  const { values: cells, ...rest } = overview.at(1, 2);
  assert.deepEqual([...cells], [20, 21, 22, 23]);
  assert.deepEqual(rest, { rows: 2, columns: 2, queryStep: 2, keyStep: 2 });
});

test("without facts in the header, the shape tells how many tokens a cell covers", async () => {
  const { api, asked } = answering(() => new Response(npyOf([2, 2], [1, 2, 3, 4])));
  const { matrix } = await api.pattern(captureOf(["a", "b", "c"]), 1, 2);
  assert.deepEqual([matrix.queryStep, matrix.keyStep], [2, 2]);
  assert.match(asked[0].path, /^\/api\/v1\/captures\/abc\/heads\/1\/2\?/);
  assert.equal(asked[0].options.headers.Accept, "application/x-npy");
});

test("a refusal keeps the server's words", async () => {
  const problem = { status: 422, code: "too_many_tokens", detail: "the text has 600 tokens, the model reads 512" };
  const { api } = answering(() => Response.json(problem, { status: 422 }));
  await assert.rejects(api.capture({ model: "toy", text: "a", text_pair: "" }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.message], [422, "too_many_tokens", problem.detail]);
    return true;
  });
});

test("an answer that is no problem of ours is still an error with a sentence", async () => {
  const { api } = answering(() => new Response("<h1>502</h1>", { status: 502 }));
  await assert.rejects(api.models(), { message: "the server answered 502", status: 502 });
});

test("a server that is not there is said to be so", async () => {
  const { api } = answering(() => {
    throw new TypeError("Failed to fetch");
  });
  await assert.rejects(api.models(), { code: "unreachable", status: 0 });
});

test("the newest request of a kind wins, and leaves other kinds alone", async () => {
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
  api.overview(capture).catch(() => {});
  api.pattern(capture, 0, 1).catch(() => {});
  await assert.rejects(first, isAbort);
  assert.deepEqual(
    asked.map(({ signal }) => signal.aborted),
    [true, false, false],
  );
  api.forget();
  assert.ok(asked.every(({ signal }) => signal.aborted));
});

test("a second sentence travels with the first", async () => {
  const { api, asked } = answering(() => Response.json(captureOf(["a"])));
  await api.capture({ model: "toy", text: "a", text_pair: "b" });
  assert.equal(JSON.parse(asked[0].options.body).text_pair, "b");
});

test("a key is carried by every request and by no address", async () => {
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

test("a key that no header can carry is refused before it is sent", () => {
  const { api } = answering(() => Response.json({}));
  assert.deepEqual([api.unlock("schlüssel"), api.unlock("two\nlines"), api.unlock("")], [false, false, false]);
});

test("a refused key is told from none", async () => {
  const { api } = answering(() => Response.json({ code: "key_refused", detail: "wants its key" }, { status: 401 }));
  await assert.rejects(api.models(), { code: "key_refused" });
  api.unlock("guess");
  await assert.rejects(api.models(), { code: "key_wrong" });
});

test("the time a server asks for is kept with its refusal", async () => {
  const busy = { status: 503, headers: { "Retry-After": "2" } };
  const { api } = answering(() => Response.json({ code: "busy", detail: "32 wait already" }, busy));
  await assert.rejects(api.models(), { code: "busy", wait: 2 });
});
