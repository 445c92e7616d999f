import { stacksOf } from "./stack.js";

/** @import {Capture, Token} from "../types.js" */

/**
 * The capture with these tokens of its texts.
 *
 * @param {Capture} capture
 * @param {{source: Token[], target: Token[]}} texts
 * @returns {Capture}
 */
function withTexts(capture, texts) {
  const { queries = "source", keys = "source" } = capture.model.stacks?.[0] ?? {};
  const [tokens, query_tokens] = [texts[keys], texts[queries]];
  return { ...capture, tokens, query_tokens, queries: query_tokens.length, keys: tokens.length };
}

/**
 * A capture as its stack sees it: the model has the layers of this stack alone, and the tokens are those of its queries
 * and keys. The rest of the page needs to know nothing else about stacks.
 *
 * @param {Capture} capture as the server describes it
 * @returns {Capture}
 */
export function seenAt(capture) {
  const { model: card, tokens: source, target_tokens } = capture;
  const stack = stacksOf(card).find(({ name }) => name === capture.stack);
  if (!stack) return capture;
  const model = { ...card, stacks: [stack], layers: capture.layers, heads: capture.heads, causal: stack.causal };
  return { ...withTexts({ ...capture, model }, { source, target: target_tokens ?? [] }), card, source_tokens: source };
}

/**
 * The capture with words in the place of its tokens.
 *
 * @param {Capture} capture
 * @param {Record<"words" | "target_words", Omit<Token, "index">[]>} answer
 */
export function withWords(capture, { words, target_words = [] }) {
  const [source = [], target = []] = [words, target_words].map((each) =>
    each.map((word, index) => ({ ...word, index })),
  );
  return withTexts(capture, { source, target });
}
