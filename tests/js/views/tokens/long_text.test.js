import assert from "node:assert/strict";
import { test } from "node:test";
import { chunkStarts } from "../../../../static/js/views/tokens/long_text.js";

test("a short text is one chunk, a longer one has chunks of 128 tokens", () => {
  assert.deepEqual(chunkStarts(0), []);
  assert.deepEqual(chunkStarts(512), [0]);
  assert.deepEqual(chunkStarts(513), [0, 128, 256, 384, 512]);
});
