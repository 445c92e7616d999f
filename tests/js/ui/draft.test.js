import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { draftOf, saveDraft, savedDraft } from "../../../static/js/ui/draft.js";

/** @type {Map<string, string>} */
const kept = new Map();
const storage = {
  getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
  setItem: (/** @type {string} */ name, /** @type {string} */ value) => kept.set(name, value),
  removeItem: (/** @type {string} */ name) => kept.delete(name),
};
Object.assign(globalThis, { sessionStorage: storage });
beforeEach(() => kept.clear());

const run = { text: "old", text_pair: "", target: "" };
const draft = { text: "new", text_pair: "second", target: "neu" };

test("what is typed is a draft only if it differs from the text that was run", () => {
  assert.deepEqual(draftOf(run, draft), draft);
  assert.deepEqual(draftOf(run, { ...run, text_pair: "second" }), { ...run, text_pair: "second" });
  assert.deepEqual(draftOf(run, { ...run, target: "neu" }), { ...run, target: "neu" });
  assert.equal(draftOf(run, { ...run }), null);
  assert.equal(draftOf({ ...run, text: "a\r\nb" }, { ...run, text: "a\nb" }), null);
});

test("a draft is restored over the text that it was typed over, and over no other", () => {
  assert.equal(savedDraft(run), null);
  saveDraft({ ...run, draft });
  assert.deepEqual(savedDraft(run), draft);
  assert.equal(savedDraft({ ...run, text: "from a link" }), null);
  saveDraft({ ...run, draft: null });
  assert.equal(savedDraft(run), null);
});

test("a saved draft that is damaged is ignored", () => {
  kept.set("draft", '{"draft": {}');
  assert.equal(savedDraft(run), null);
  kept.set("draft", '{"draft": {"text": "x"}}');
  assert.equal(savedDraft(run), null);
});
