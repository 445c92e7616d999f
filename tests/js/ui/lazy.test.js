import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, initialState } from "../../../static/js/state/store.js";
import { lazyModule, mountOnEvent, mountWhen } from "../../../static/js/ui/lazy.js";

const settled = () => new Promise((resolve) => setTimeout(resolve, 1));
/** @param {unknown} error @returns {() => void} */
const unexpected = (error) => assert.fail(String(error));

test("a module is loaded when it is first needed, and once", async () => {
  let loads = 0;
  const load = lazyModule(async () => {
    loads += 1;
    return "module";
  });
  assert.equal(loads, 0);
  assert.deepEqual([await load(), await load(), loads], ["module", "module", 1]);
});

test("after a failure, the next attempt uses another address", async () => {
  /** @type {string[]} */
  const queries = [];
  const load = lazyModule(async (query) => {
    queries.push(query);
    if (queries.length < 3) throw new Error("failed");
    return "module";
  });
  await assert.rejects(load());
  await assert.rejects(load());
  assert.equal(await load(), "module");
  assert.deepEqual(queries, ["", "?attempt=1", "?attempt=2"]);
});

/** A part that is loaded when `arrive` is called. */
function partOf() {
  const calls = { loads: 0, mounts: 0, undos: 0 };
  /** @type {(error?: Error) => void} */
  let arrive = () => {};
  const mount = async () => {
    calls.loads += 1;
    await /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        arrive = (error) => (error ? reject(error) : resolve());
      })
    );
    calls.mounts += 1;
    return () => {
      calls.undos += 1;
    };
  };
  /** @param {Error} [error] */
  const finish = (error) => {
    arrive(error);
    return settled();
  };
  return { calls, mount, finish };
}

/** @param {import("../../../static/js/types.js").State} state */
const isZoomed = ({ rows }) => rows !== null;

test("a part is mounted when the state needs it, and once", async () => {
  const store = createStore(initialState());
  const { calls, mount, finish } = partOf();
  mountWhen(store, ["rows"], isZoomed, mount, unexpected);
  assert.equal(calls.loads, 0);
  store.set({ rows: [0, 3] });
  store.set({ rows: [1, 4] });
  await finish();
  store.set({ rows: [2, 5] });
  assert.deepEqual(calls, { loads: 1, mounts: 1, undos: 0 });
});

test("a part that the first state needs is mounted at once", async () => {
  const { calls, mount, finish } = partOf();
  mountWhen(createStore({ ...initialState(), rows: [0, 3] }), ["rows"], isZoomed, mount, unexpected);
  await finish();
  assert.equal(calls.mounts, 1);
});

test("a part that did not load is loaded again at the next change, which removes the error", async () => {
  const store = createStore({ ...initialState(), rows: [0, 3] });
  const { calls, mount, finish } = partOf();
  /** @type {unknown[]} */
  const errors = [];
  mountWhen(store, ["rows"], isZoomed, mount, (error) => {
    errors.push(error);
    return () => errors.pop();
  });
  await finish(new Error("offline"));
  assert.deepEqual(errors, [new Error("offline")]);
  store.set({ rows: [1, 4] });
  await finish();
  assert.deepEqual(calls, { loads: 2, mounts: 1, undos: 0 });
  assert.deepEqual(errors, []);
});

test("a part is undone, even if it arrives afterwards", async () => {
  const state = { ...initialState(), rows: /** @type {[number, number]} */ ([0, 3]) };
  for (const early of [true, false]) {
    const { calls, mount, finish } = partOf();
    const undo = mountWhen(createStore(state), ["rows"], isZoomed, mount, unexpected);
    if (early) undo();
    await finish();
    if (!early) undo();
    assert.deepEqual(calls, { loads: 1, mounts: 1, undos: 1 }, early ? "before" : "after");
  }
});

test("a part that is mounted at its first event gets all events that it missed, in order", async () => {
  const target = new EventTarget();
  const { calls, mount, finish } = partOf();
  /** @type {string[]} */
  const seen = [];
  const mountPart = async () => {
    const undo = await mount();
    for (const type of ["input", "keydown"]) target.addEventListener(type, (event) => seen.push(event.type));
    return undo;
  };
  mountOnEvent(target, ["input", "keydown"], () => true, mountPart, unexpected);
  assert.equal(calls.loads, 0);
  for (const type of ["input", "keydown"]) target.dispatchEvent(new Event(type));
  assert.deepEqual(seen, []);
  await finish();
  assert.deepEqual(seen, ["input", "keydown"]);
  target.dispatchEvent(new Event("input"));
  assert.deepEqual(seen, ["input", "keydown", "input"]);
  assert.equal(calls.loads, 1);
});

test("an event that does not need the part does not load it", () => {
  const target = new EventTarget();
  const { calls, mount } = partOf();
  mountOnEvent(target, ["change"], () => false, mount, unexpected);
  target.dispatchEvent(new Event("change"));
  assert.equal(calls.loads, 0);
});
