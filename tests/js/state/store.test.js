import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, initialState } from "../../../static/js/state/store.js";

test("listeners hear the state now and before, until they leave", () => {
  const store = createStore(initialState());
  const heard = [];
  const leave = store.subscribe((now, before) => heard.push([before.text, now.text]));
  store.set({ text: "a" });
  store.set({ text: "b" });
  leave();
  store.set({ text: "c" });
  assert.deepEqual(heard, [
    ["", "a"],
    ["a", "b"],
  ]);
  assert.equal(store.get().text, "c");
});

test("a listener that sets leaves the others a whole story", () => {
  const store = createStore(initialState());
  const heard = [];
  store.subscribe((now) => now.text === "a" && store.set({ text: "b" }));
  store.subscribe((now, before) => heard.push(`${before.text}>${now.text}`));
  store.set({ text: "a" });
  assert.equal(store.get().text, "b");
  assert.deepEqual(heard.sort(), [">a", "a>b"]);
});
