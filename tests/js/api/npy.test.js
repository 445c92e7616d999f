import assert from "node:assert/strict";
import { test } from "node:test";
import { readNpy } from "../../../static/js/api/npy.js";
import { npyOf } from "../worlds.js";

test("an array comes back with its shape and numbers", () => {
  const { shape, data } = readNpy(npyOf([2, 3], [0, 1, 2, 0.25, 0.5, -1]));
  assert.deepEqual(shape, [2, 3]);
  assert.deepEqual([...data], [0, 1, 2, 0.25, 0.5, -1]);
});

test("one dimension has a trailing comma in its shape, and none has no number", () => {
  assert.deepEqual(readNpy(npyOf([2], [1, 2])).shape, [2]);
  assert.deepEqual(readNpy(npyOf([], [7])), { shape: [], data: Float32Array.of(7) });
});

test("version 2 keeps a four-byte length", () => {
  assert.deepEqual([...readNpy(npyOf([2], [1, 2], { version: 2 })).data], [1, 2]);
});

test("data that does not start at a multiple of four is read all the same", () => {
  assert.deepEqual([...readNpy(npyOf([2], [1, 2], { padding: 67 })).data], [1, 2]);
});

test("what would be misread is refused", () => {
  assert.throws(() => readNpy(npyOf([1], [1], { descr: "<f8" })), /<f8/);
  assert.throws(() => readNpy(npyOf([1], [1], { descr: ">f4" })), />f4/);
  assert.throws(() => readNpy(npyOf([1, 1], [1], { fortran: "True" })), /Fortran/);
  assert.throws(() => readNpy(npyOf([2, 2], [1])), /needs 16 bytes and has 4/);
  assert.throws(() => readNpy(new TextEncoder().encode("{}").buffer), /not an .npy/);
});
