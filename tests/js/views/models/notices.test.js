import assert from "node:assert/strict";
import { test } from "node:test";
import { changedCard, progressText } from "../../../../static/js/views/models/changed_files.js";
import { sizeText, unknownSizeText } from "../../../../static/js/views/models/question.js";

test("the question says what would be downloaded", () => {
  assert.equal(sizeText({ bytes: 548e6, download_bytes: 548e6 }), "The server would download 548 MB.");
  assert.equal(sizeText({ bytes: 548e6, download_bytes: 2e6 }), "The server would download 2.0 MB, of 548 MB in all.");
  assert.equal(sizeText({ bytes: 548e6, download_bytes: 0 }), "Its 548 MB are on the server already.");
});

test("a size that the server cannot say is estimated from the card, or unknown, with the reason", () => {
  const card = /** @type {any} */ ({ parameters: 124e6 });
  assert.equal(unknownSizeText(card, "the hub does not answer"), "Size: about 496 MB (the hub does not answer).");
  assert.equal(unknownSizeText(undefined, "gated"), "Size: unknown (gated).");
});

test("the progress of a reload names what is done, and how much of a download", () => {
  assert.equal(progressText("m", { stage: "reading", bytes: 0, total: null }), "loading m …");
  assert.equal(progressText("m", { stage: "downloading", bytes: 1e6, total: 3e6 }), "downloading m: 1.0 MB of 3.0 MB");
});

test("only changed files of the chosen model are mentioned", () => {
  const models = /** @type {any[]} */ ([{ id: "a", changed_on_disk: true }, { id: "b" }]);
  assert.equal(changedCard({ models, model: "a" })?.id, "a");
  assert.equal(changedCard({ models, model: "b" }), undefined);
});
