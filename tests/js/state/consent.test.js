import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { mayLoad } from "../../../static/js/state/consent.js";
import { initialState } from "../../../static/js/state/store.js";
import { apiOf, sessionOf } from "../servers.js";
import { captureOf } from "../worlds.js";

const toy = captureOf(["a"]).model;

/** @param {string} id @param {string} source @param {string} state */
const card = (id, source, state) => ({ ...toy, id, source, state });

const MODELS = [
  card("minilm", "bundled", "available"),
  card("local:mine", "local", "failed"),
  card("gpt2", "hub", "available"),
  card("team/loaded", "hub", "ready"),
  card("team/loading", "hub", "loading"),
  card("team/failed", "hub", "failed"),
];

/** @param {string} model @param {object} [more] */
const decide = (model, more) =>
  mayLoad(/** @type {any} */ ({ ...initialState(), models: MODELS, defaultModel: "team/default", model, ...more }));

test("models that come with the server, and those that it has loaded, need no question", () => {
  for (const model of ["", "minilm", "local:mine", "local:new", "team/default", "team/loaded", "team/loading"])
    assert.equal(decide(model), true, model);
});

test("other models of the hub need a question, whether they are listed or not", () => {
  for (const model of ["gpt2", "team/failed", "team/stranger", "minilm@main", "team/loaded@v2"])
    assert.equal(decide(model), false, model);
});

test("a model that the reader has chosen needs no question", () => {
  assert.equal(decide("gpt2", { chosenModels: ["team/other", "gpt2"] }), true);
});

test("without the list of models, only the default model and local ones are known", () => {
  assert.equal(decide("team/default", { models: [] }), true);
  assert.equal(decide("local:mine", { models: [] }), true);
  assert.equal(decide("minilm", { models: [] }), false);
});

/** A server with MODELS that counts loads and runs. @param {object} [replaced] */
function serverOf(replaced = {}) {
  let loads = 0;
  const load = async () => {
    loads += 1;
    return toy;
  };
  const { api, calls } = apiOf({ load, ...replaced });
  api.models = async () => ({ default: "toy", models: MODELS });
  return { api, calls, loads: () => loads };
}

test("a link to a model of the hub asks first, and requests neither a load nor a run", async () => {
  const { api, calls, loads } = serverOf();
  const { store, session } = sessionOf(api, { model: "gpt2" });
  await session.run();
  assert.deepEqual([store.get().question, store.get().status.kind], ["gpt2", "idle"]);
  assert.deepEqual([loads(), calls.run, calls.capture], [0, 0, 0]);
  store.set({ text: "another text" });
  await session.run();
  assert.deepEqual([store.get().question, loads(), calls.run], ["gpt2", 0, 0]);
});

test("after the consent, the model is loaded and the text runs", async () => {
  const { api, calls, loads } = serverOf();
  const { store, session } = sessionOf(api, { model: "gpt2" });
  await session.run();
  store.set({ chosenModels: ["gpt2"] });
  await session.run();
  assert.deepEqual([store.get().question, loads(), calls.run], ["", 1, 1]);
});

test("another model ends the question", async () => {
  const { api, calls } = serverOf();
  const { store, session } = sessionOf(api, { model: "gpt2" });
  await session.run();
  store.set({ model: "toy" });
  await session.run();
  assert.deepEqual([store.get().question, calls.run, store.get().status.kind], ["", 1, "done"]);
});

test("a bundled model in a link runs once the list of models is there", async () => {
  const { api, calls } = serverOf();
  const { store, session } = sessionOf(api, { model: "minilm" });
  await session.run();
  assert.deepEqual([store.get().question, calls.run], ["", 1]);
});

test("the answer to an older question changes nothing", async () => {
  /** @type {(list: any) => void} */
  let answer = () => {};
  const { api, calls } = serverOf();
  api.models = () => new Promise((resolve) => (answer = resolve));
  const { store, session } = sessionOf(api, { model: "gpt2" });
  const older = session.run();
  store.set({ model: "toy" });
  await session.run();
  answer({ default: "toy", models: MODELS });
  await older;
  assert.deepEqual([store.get().question, calls.run, store.get().status.kind], ["", 1, "done"]);
});

test("without the list of models nothing is loaded, and the error is shown", async () => {
  const { api, calls, loads } = serverOf();
  api.models = () => Promise.reject(new ApiError(401, "key_refused", "this server needs a key"));
  const { store, session } = sessionOf(api, { model: "gpt2" });
  await session.run();
  assert.deepEqual([store.get().apiKey, loads(), calls.run], ["required", 0, 0]);
  await session.unlock("key");
  assert.deepEqual([loads(), calls.run], [0, 0]);
});

test("the key of a shared server is no consent", async () => {
  const { api, calls, loads } = serverOf();
  const { store, session } = sessionOf(api, { model: "gpt2" });
  await session.unlock("key");
  assert.deepEqual([store.get().question, loads(), calls.run], ["gpt2", 0, 0]);
});

test("a run keeps what the list says about changed files", async () => {
  const changed = { ...toy, revision: "1", changed_on_disk: true };
  const capture = { ...captureOf(["a"]), model: { ...toy, revision: "1", changed_on_disk: false } };
  const { api } = apiOf({ run: () => ({ capture, layers: 2, heads: 3, at: () => null }) });
  const { store, session } = sessionOf(api, { models: [changed] });
  await session.run();
  assert.equal(store.get().models[0].changed_on_disk, true);
  capture.model = { ...capture.model, revision: "2" };
  await session.run();
  assert.equal(store.get().models[0].changed_on_disk, false);
});
