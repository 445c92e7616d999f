import assert from "node:assert/strict";
import { test } from "node:test";
import { seenAt } from "../../../static/js/model/stack_view.js";
import { finished, writing } from "../../../static/js/state/status.js";
import { initialState } from "../../../static/js/state/store.js";
import { parse, print } from "../../../static/js/state/url.js";
import { withoutTarget } from "../../../static/js/ui/draft.js";
import { writtenTarget } from "../../../static/js/ui/target_field.js";
import { headingOf } from "../../../static/js/views/heatmap/heatmap.js";
import { matchesOf } from "../../../static/js/views/tokens/find.js";
import { answerOf, captureOf, matrixOf, patternOf } from "../worlds.js";

const capture = seenAt(answerOf("cross", ["the", "cat", "[end]"], ["[start]", "die", "Katze"]));
const request = { model: "toy", text: "the cat", text_pair: "", target: "", stack: "cross", truncate: false };
/** @type {any} */
const shown = { ...initialState(), ...request, pictured: request, overview: { capture } };

test("an empty box shows what the model has written for this text", () => {
  assert.equal(writtenTarget(shown), "die Katze");
  assert.equal(writtenTarget({ ...shown, status: writing("die", 1) }), "die");
  assert.equal(writtenTarget({ ...shown, text: "another text, while it runs" }), "");
  assert.equal(writtenTarget({ ...shown, draft: { text: "the cat", text_pair: "", target: "der" } }), "");
  const given = { ...capture, target_written: false };
  assert.equal(writtenTarget({ ...shown, overview: { capture: given } }), "");
});

test("a stack and a target are part of the address", () => {
  assert.deepEqual(parse("#stack=cross&target=die+Katze"), { stack: "cross", target: "die Katze" });
  assert.deepEqual(parse("#stack=middle"), {});
  assert.match(print({ ...shown, target: "die" }), /target=die&stack=cross/);
  assert.doesNotMatch(print(initialState()), /stack|target/);
});

test("another model without a decoder gets no target", () => {
  const models = [{ ...captureOf(["a"]).model, id: "plain" }];
  const state = { ...shown, models, draft: { text: "new", text_pair: "", target: "der" } };
  const { draft, ...others } = withoutTarget(state, "plain");
  assert.deepEqual(
    [draft, others],
    [
      { text: "new", text_pair: "", target: "" },
      { stack: "", target: "" },
    ],
  );
  assert.deepEqual(withoutTarget(state, "toy"), {});
});

test("the status names both texts, and the heading the stack", () => {
  assert.match(finished(capture).message, /^3 tokens, target of 3 tokens, 6 heads$/);
  assert.equal(headingOf(/** @type {any} */ ({ capture, layer: 1, head: 2 })), "Cross L1 H2");
  assert.equal(headingOf(patternOf(["a"], [[1]])), "Layer 1, head 2");
});

test("the search finds tokens of the target first, then those of the text", () => {
  const at = (/** @type {any[]} */ tokens, /** @type {number[][]} */ spans) =>
    tokens.map((token, index) => ({ ...token, start: spans[index]?.[0] ?? null, end: spans[index]?.[1] ?? null }));
  const text = [
    [0, 3],
    [4, 7],
  ];
  const target = [[], [0, 3], [4, 9]];
  const spanned = {
    ...capture,
    tokens: at(capture.tokens, text),
    query_tokens: at(capture.query_tokens ?? [], target),
  };
  const state = { ...shown, pattern: { capture: spanned, layer: 0, head: 0, matrix: matrixOf([[1]]), detail: null } };
  // "t" begins no word of the target but is within Katze, token 2; of the text, tokens 0 and 1 have it.
  assert.deepEqual(matchesOf(state, "t"), [2, 3, 4]);
  assert.deepEqual(matchesOf(state, "#1"), [1, 4]);
});
