import { headName } from "../../model/format.js";
import { rangeOf, scaledToRange, scoreText } from "../../model/ranking.js";
import { colourName } from "../../plot/colour.js";
import { need } from "../../ui/dom.js";

/** @import {Score, State, Store} from "../../types.js" */

/** The score that the grid is coloured by, if it is that of the heads in the grid. @param {State} state */
export function shownScore({ findings, overview, score }) {
  if (!findings || findings.id !== overview?.capture.id) return undefined;
  return findings.scores.find(({ name }) => name === score);
}

/** @type {WeakMap<Score, {range: ReturnType<typeof rangeOf>, ranked: number}>} */
const summaries = new WeakMap();

/** The same for all cells, of which there may be thousands. @param {Score} score */
function summaryOf(score) {
  const known = summaries.get(score);
  if (known) return known;
  const ranked = score.ranks.flat().filter((rank) => rank !== null).length;
  const found = { range: rangeOf(score.values), ranked };
  summaries.set(score, found);
  return found;
}

/**
 * What a cell says and shows of its head.
 *
 * @param {Score} score
 * @param {number} layer
 * @param {number} head
 * @param {number | null} top
 */
export function tintOf(score, layer, head, top) {
  const { title, unit, values, ranks } = score;
  const [value, rank] = [values[layer]?.[head] ?? null, ranks[layer]?.[head] ?? null];
  const { range, ranked } = summaryOf(score);
  // What no head has lets none of them step back.
  if (value === null || rank === null || !range)
    return { colour: "", words: `${title}: none`, aside: !!range && top !== null };
  return {
    colour: colourName(scaledToRange(value, range), "linear"),
    words: `${title} ${scoreText(value, unit)}, rank ${rank} of ${ranked}`,
    aside: top !== null && rank > top,
  };
}

/** @param {HTMLElement} cell @param {State} state @param {Score | undefined} score */
function tint(cell, state, score) {
  const [layer, head] = [Number(cell.dataset.layer), Number(cell.dataset.head)];
  const found = score && tintOf(score, layer, head, state.top);
  cell.style.setProperty("--score", found?.colour ?? "");
  cell.classList.toggle("scored", !!found);
  cell.classList.toggle("out", !!found?.aside);
  cell.setAttribute("aria-label", [headName({ layer, head }), ...(found ? [found.words] : [])].join(", "));
}

/**
 * Colours the grid by a score, below each small picture, and lets the heads beyond the first few step back.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @returns {() => void} undo
 */
export function mountTint(root, store) {
  const table = need(root, ".heads");
  const cells = () => {
    const state = store.get();
    const score = shownScore(state);
    for (const cell of table.querySelectorAll("[role='gridcell']"))
      tint(/** @type {HTMLElement} */ (cell), state, score);
  };
  const words = () => {
    const state = store.get();
    const score = shownScore(state);
    const none = score && !summaryOf(score).range ? `no head has this score here: ${score.choice}` : "";
    // What an open panel waits for is said there.
    const [line, text] = [need(root, ".ranking .said"), none || (score || state.panel ? "" : state.said)];
    if (line.textContent !== text) line.textContent = text;
  };
  cells();
  words();
  const drawn = /** @type {const} */ (["findings", "overview", "score", "top", "order"]);
  return store.subscribe((now, before) => {
    if (drawn.some((name) => now[name] !== before[name])) cells();
    words();
  });
}
