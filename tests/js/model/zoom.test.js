import assert from "node:assert/strict";
import { test } from "node:test";
import { following, scaled, snap, withoutInvalid } from "../../../static/js/model/zoom.js";
import { captureOf } from "../worlds.js";

test("a range of an axis snaps to whole tokens, in either direction", () => {
  assert.deepEqual(snap([1.6, 4.4], 10), [2, 5]);
  assert.deepEqual(snap([4.4, 1.6], 10), [2, 5]);
});

test("the whole text is null, not a window", () => {
  assert.equal(snap([-0.5, 9.5], 10), null);
  assert.equal(snap([-3, 30], 10), null);
});

test("a window has at least two tokens, or one where there is only one", () => {
  assert.deepEqual(snap([3.4, 3.6], 10), [4, 6]);
  assert.deepEqual(snap([9.4, 9.5], 10), [8, 10]);
  assert.equal(snap([0, 0.1], 1), null);
});

test("zooming in keeps the token at its place", () => {
  assert.deepEqual(scaled([0, 100], 0.5, 49.5, 100), [25, 75]);
  assert.deepEqual(scaled([0, 100], 0.5, 0, 100), [0, 50]);
  assert.deepEqual(scaled([0, 100], 0.5, 99, 100), [50, 100]);
});

test("zooming out ends at the whole text", () => {
  assert.equal(scaled([25, 75], 2, 50, 100), null);
  assert.deepEqual(scaled([0, 2], 2, 0, 100), [0, 4]);
});

test("a window follows a place that leaves it", () => {
  assert.deepEqual(
    [following([5, 8], 6), following([5, 8], 4), following([5, 8], 9)],
    [
      [5, 8],
      [4, 7],
      [7, 10],
    ],
  );
});

test("a window outside the text is removed and named, the other is kept", () => {
  const capture = captureOf(["a", "b", "c"]);
  assert.deepEqual(withoutInvalid(capture, { rows: [0, 3], columns: null, token: 2 }), {});
  assert.deepEqual(withoutInvalid(capture, { rows: [0, 4000], columns: [1, 2], token: 3 }), {
    notice: "Ignored part of the link: rows=0:4000, token=3 (the text has 3 tokens)",
    rows: null,
    token: null,
  });
});
