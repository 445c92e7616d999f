import assert from "node:assert/strict";
import { test } from "node:test";
import { amount } from "../../../static/js/ui/download.js";

/** @param {number} bytes @param {number | null} total */
const downloading = (bytes, total) => amount({ stage: "downloading", bytes, total });

test("small downloads are told in tenths of a million bytes, large ones in whole millions", () => {
  assert.equal(downloading(120_400, 2_000_000), "0.1 MB of 2.0 MB");
  assert.equal(downloading(9_940_000, 548_118_077), "9.9 MB of 548 MB");
});

test("before the hub has said how much it is, only what is here is told", () => {
  assert.equal(downloading(5_000_000, null), "5.0 MB");
});
