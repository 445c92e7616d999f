import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, initialState } from "../../../static/js/state/store.js";

test("subscribe calls the listener with the state after and before each change, until its undo is called", () => {
  const store = createStore(initialState());
  const calls = [];
  const undo = store.subscribe((now, before) => calls.push([before.text, now.text]));
  store.set({ text: "a" });
  store.set({ text: "b" });
  undo();
  store.set({ text: "c" });
  assert.deepEqual(calls, [
    ["", "a"],
    ["a", "b"],
  ]);
  assert.equal(store.get().text, "c");
});

test("changes made by a listener reach the other listeners in order", () => {
  const store = createStore(initialState());
  const calls = [];
  store.subscribe((now) => now.text === "a" && store.set({ text: "b" }));
  store.subscribe((now, before) => calls.push(`${before.text}>${now.text}`));
  store.set({ text: "a" });
  assert.equal(store.get().text, "b");
  assert.deepEqual(calls, [">a", "a>b"]);
});

test("a listener that throws does not stop later changes from being delivered", () => {
  const store = createStore(initialState());
  const calls = [];
  const undo = store.subscribe(() => {
    throw new Error("broken");
  });
  store.subscribe((now) => calls.push(now.text));
  assert.throws(() => store.set({ text: "a" }), /broken/);
  undo();
  store.set({ text: "b" });
  assert.deepEqual(calls, ["b"]);
});

test("watch calls the listener only when one of the named fields changed, and not at once", () => {
  const store = createStore({ ...initialState(), text: "old" });
  const calls = [];
  const undo = store.watch(["text", "layer"], (now, before) => calls.push([before.text, now.text, now.layer]));
  assert.deepEqual(calls, []);
  store.set({ head: 3 });
  store.set({ text: "old" });
  store.set({ text: "new", head: 4 });
  store.set({ layer: 1 });
  undo();
  store.set({ text: "newest" });
  assert.deepEqual(calls, [
    ["old", "new", null],
    ["new", "new", 1],
  ]);
});
