import { FAINT, tokenName, weight } from "../../model/format.js";
import { headScore } from "../../model/head_scores.js";
import { sharedBy } from "../../model/heads.js";
import { isExact, strongest } from "../../model/matrix.js";
import { scoreText } from "../../model/ranking.js";
import { isCross, tokensOf } from "../../model/stack.js";
import { need } from "../../ui/dom.js";

/** @import {Pattern, Store} from "../../types.js" */

/** The server computes the scores from tokens and weights, whatever the heatmap shows. */
const BELOW = ", or press the button below.";

/**
 * Why no scores are shown beside a heatmap; empty where its weights are exact, so that they can be computed from it.
 *
 * @param {Pattern} pattern
 */
export function missingText({ longest, words, matrix, show }) {
  const shown = show === "bias" ? "a bias" : show === "raw" ? "raw scores" : "effects";
  if (longest !== undefined) return `The heatmap shows ${shown}. Choose “weights” to see scores here${BELOW}`;
  if (!isExact(matrix))
    return "The heatmap of a long text is pooled: no score can be computed from it. The button below shows the scores of this head.";
  return words
    ? `The heatmap shows words; scores are defined for tokens. Switch off “words” to see scores here${BELOW}`
    : "";
}

const WITHIN = "Scores that compare positions within one text are not defined for cross-attention.";

/**
 * The largest weight as a sentence; empty where no token outside the sink has a choice.
 *
 * @param {Pattern} pattern
 */
export function strongestText({ capture, matrix }) {
  const best = strongest(capture, matrix);
  if (!best) return "";
  const without = capture.model.causal ? "the first token" : "special tokens";
  if (best.value < FAINT) return `Apart from ${without}, no weight reaches ${FAINT}.`;
  const [query, key] = [tokenName(tokensOf(capture, "query"), best.query), tokenName(capture.tokens, best.key)];
  const other = best.query === best.key && !isCross(capture) ? "itself" : key;
  return `Apart from ${without}, the largest weight is ${weight(best.value)}: ${query} attends to ${other}.`;
}

/** @param {HTMLElement} row @param {number | null} value */
function renderScore(row, value) {
  row.hidden = value === null;
  const share = value ?? 0;
  // A small share is still visible; zero is not.
  need(row, ".bar").style.width = share > 0 ? `max(1px, ${share * 100}%)` : "0";
  need(row, ".number").textContent = weight(share);
}

/** @param {HTMLElement} root @param {Pattern} pattern */
function renderScores(root, { capture, matrix }) {
  for (const row of root.querySelectorAll("[data-score]")) {
    const { dataset } = /** @type {HTMLElement} */ (row);
    const name = /** @type {import("../../model/head_scores.js").ScoreName} */ (dataset.score);
    renderScore(/** @type {HTMLElement} */ (row), headScore(name, capture, matrix));
  }
  const bits = headScore("entropy", capture, matrix) ?? 0;
  need(root, ".bits").textContent = scoreText(bits, "bits");
  need(root, ".count").textContent = (2 ** bits).toFixed(1);
}

/** @param {HTMLElement} root @param {Pattern | null} pattern */
function render(root, pattern) {
  root.hidden = !pattern;
  if (!pattern) return;
  const shared = sharedBy(pattern.capture.model, pattern);
  need(root, ".group").hidden = !shared;
  need(root, ".group span").textContent = shared;
  const missing = missingText(pattern);
  need(root, ".note").textContent = missing || (isCross(pattern.capture) ? WITHIN : "");
  need(root, ".strongest").textContent =
    isExact(pattern.matrix) && pattern.longest === undefined ? strongestText(pattern) : "";
  for (const part of [need(root, "table"), need(root, ".entropy")]) part.hidden = missing !== "";
  if (!missing) renderScores(root, pattern);
}

/**
 * The chosen head's largest weight and its scores, computed from the weights of the heatmap.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountFacts(root, store) {
  render(root, store.get().pattern);
  return store.watch(["pattern"], (now) => render(root, now.pattern));
}
