import assert from "node:assert/strict";
import { test } from "node:test";
import { downloaded, elapsedTime } from "../../../static/js/ui/run_progress.js";

/** @param {number} bytes @param {number | null} total */
const amount = (bytes, total) => downloaded({ stage: "downloading", bytes, total });

test("small downloads are shown in tenths of a megabyte, large ones in whole megabytes", () => {
  assert.equal(amount(120_400, 2_000_000), "0.1 MB of 2.0 MB");
  assert.equal(amount(9_940_000, 548_118_077), "9.9 MB of 548 MB");
});

test("without a known size, only the downloaded amount is shown", () => {
  assert.equal(amount(5_000_000, null), "5.0 MB");
});

test("a run shows its time from two seconds on, in whole seconds", () => {
  assert.deepEqual([900, 2100, 12_900].map(elapsedTime), ["", "2 s", "12 s"]);
});
