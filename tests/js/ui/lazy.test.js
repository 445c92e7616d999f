import assert from "node:assert/strict";
import { test } from "node:test";
import { lazyModule } from "../../../static/js/ui/lazy.js";

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
