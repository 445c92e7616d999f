import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../../static/js/api/error.js";
import { missing } from "../../../static/js/state/ignored_parts.js";
import { failed, finished } from "../../../static/js/state/status.js";
import { initialState } from "../../../static/js/state/store.js";
import { captureOf, modelOf } from "../worlds.js";

test("the notice about a missing head names the value and the limit, of the layer first", () => {
  const capture = captureOf(["a"]);
  assert.equal(missing(capture, 1, 2), null);
  assert.match(missing(capture, 2, 3) ?? "", /^There is no layer 2: toy has layers 0 to 1\./);
  assert.match(missing(capture, 1, 3) ?? "", /^There is no head 3: toy has heads 0 to 2\./);
});

test("the notice about a head of a layer without attention, or with fewer heads, has the reason", () => {
  const layers = /** @type {[number, number][]} */ ([
    [0, 0],
    [2, 2],
    [3, 3],
  ]);
  const capture = { ...captureOf(["a"]), layers: 3, model: modelOf(layers) };
  const found = [
    [0, 0],
    [1, 2],
    [2, 2],
  ].map(([layer, head]) => missing(capture, layer, head));
  assert.deepEqual(found, [
    "Layer 0 has no softmax attention: MambaMixer. Another head is shown.",
    "There is no head 2 in layer 1: it has heads 0 to 1. Another head is shown.",
    null,
  ]);
  assert.match(finished(capture).message, /5 heads$/);
});

test("only temporary errors can be tried again", () => {
  const retry = (/** @type {number} */ status, /** @type {string} */ code) =>
    failed(new ApiError(status, code, "x"), initialState()).retry;
  assert.deepEqual([retry(503, "busy"), retry(0, "unreachable"), retry(404, "capture_gone")], [true, true, true]);
  assert.deepEqual([retry(422, "too_many_tokens"), retry(404, "model_not_found")], [false, false]);
});

test("the error about an unknown model refers to the list on the page", () => {
  const status = failed(new ApiError(404, "model_not_found", "no model 'x': GET /api/v1/models lists those"), {
    ...initialState(),
    model: "x",
  });
  assert.deepEqual(status, {
    kind: "error",
    message: "x: this server has no such model; choose another one in the list above",
    retry: false,
    cuts: false,
    about: "model",
  });
});

test("the error about too many tokens names the model, and leaves the way out to the button", () => {
  const detail =
    "The text has 710 tokens, 3 of them special. This model reads at most 512: shorten the text, or set truncate to cut off its end.";
  const { message } = failed(new ApiError(422, "too_many_tokens", detail), { ...initialState(), model: "minilm" });
  assert.equal(message, "The text has 710 tokens, 3 of them special. minilm reads at most 512.");
});

test("a truncated text says how much was cut off, and cannot be truncated again", () => {
  const capture = /** @type {any} */ ({ ...captureOf(["a", "b"]), tokens_dropped: 1490 });
  assert.equal(finished(capture).message, "2 tokens (1,490 more cut off), 6 heads");
  const tooLong = new ApiError(422, "too_many_tokens", "3 tokens, at most 2");
  assert.equal(failed(tooLong, { ...initialState(), truncate: true }).cuts, false);
});
