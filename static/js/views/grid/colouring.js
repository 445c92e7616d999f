import { fullName } from "../../model/heads.js";
import { rangeOf, scaledToRange, scoreText, shownScore } from "../../model/ranking.js";
import { colourName } from "../../plot/colour.js";
import { need } from "../../ui/dom.js";

/** @import {Score, State, Store} from "../../types.js" */

/** @type {WeakMap<Score, {range: ReturnType<typeof rangeOf>, ranked: number}>} */
const summaries = new WeakMap();

/** Computed once for all cells, of which there may be thousands. @param {Score} score */
function summaryOf(score) {
  const known = summaries.get(score);
  if (known) return known;
  const ranked = score.ranks.flat().filter((rank) => rank !== null).length;
  const summary = { range: rangeOf(score.values), ranked };
  summaries.set(score, summary);
  return summary;
}

/**
 * The colour of a cell, the words for its score, and whether it is dimmed.
 *
 * @param {Score} score
 * @param {number} layer
 * @param {number} head
 * @param {number | null} top
 */
export function colouringOf(score, layer, head, top) {
  const { title, unit, values, ranks } = score;
  const [value, rank] = [values[layer]?.[head] ?? null, ranks[layer]?.[head] ?? null];
  const { range, ranked } = summaryOf(score);
  // If no head has the score, none is dimmed.
  if (value === null || rank === null || !range)
    return { colour: "", words: `${title}: not defined`, dimmed: !!range && top !== null };
  return {
    colour: colourName(scaledToRange(value, range), "linear"),
    words: `${title} ${scoreText(value, unit)}, rank ${rank} of ${ranked}`,
    dimmed: top !== null && rank > top,
  };
}

/** @param {HTMLElement} cell @param {State} state @param {Score | undefined} score */
function colour(cell, state, score) {
  const [layer, head] = [Number(cell.dataset.layer), Number(cell.dataset.head)];
  const found = score && colouringOf(score, layer, head, state.top);
  cell.style.setProperty("--score", found?.colour ?? "");
  // Without a value, there is no bar: grey means masked.
  cell.classList.toggle("scored", !!found?.colour);
  cell.classList.toggle("dimmed", !!found?.dimmed);
  const name = fullName(state.overview?.capture.model, { layer, head });
  cell.setAttribute("aria-label", [name, ...(found ? [found.words] : [])].join(", "));
}

/**
 * Colours the grid by a score, below each thumbnail, and dims all heads but those with the highest score.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountColouring(root, store) {
  const table = need(root, ".heads");
  const render = () => {
    const state = store.get();
    const score = shownScore(state);
    for (const cell of table.querySelectorAll("[role='gridcell']"))
      colour(/** @type {HTMLElement} */ (cell), state, score);
  };
  render();
  return store.watch(["findings", "overview", "score", "top", "order"], render);
}
