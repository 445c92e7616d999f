import assert from "node:assert/strict";
import { test } from "node:test";
import { colour } from "../../../static/js/plot/colour.js";
import { pixels } from "../../../static/js/plot/thumbnail.js";
import { matrixOf } from "../worlds.js";

test("masked cells are transparent, a weight of zero is not", () => {
  const matrix = matrixOf([
    [1, 0],
    [0, 1],
  ]);
  assert.deepEqual(
    [...pixels(matrix, true, "linear")],
    [colour(1, "linear"), 0, colour(0, "linear"), colour(1, "linear")],
  );
});
