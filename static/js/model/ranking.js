import { keyOf } from "./stack.js";

/** @import {HeadPlace, State, Values} from "../types.js" */

/**
 * The heads sorted by their values, largest first; heads without a value come last, in the order of the model.
 *
 * @param {Values} values
 * @returns {HeadPlace[]}
 */
export function rankHeads(values) {
  const places = values.flatMap((row, layer) => row.map((value, head) => ({ layer, head, value })));
  const known = places.filter(({ value }) => value !== null);
  known.sort((one, other) => Number(other.value) - Number(one.value));
  return [...known, ...places.filter(({ value }) => value === null)].map(({ layer, head }) => ({ layer, head }));
}

/**
 * The minimum and the maximum of the values; null where no head has a value.
 *
 * @param {Values} values
 */
export function rangeOf(values) {
  const known = values.flat().filter((value) => value !== null);
  return known.length ? { least: Math.min(...known), most: Math.max(...known) } : null;
}

/**
 * A value scaled to its range: 0 for the minimum, 1 for the maximum; 1 where all values are equal.
 *
 * @param {number} value
 * @param {{least: number, most: number}} range
 */
export const scaledToRange = (value, { least, most }) => (most > least ? (value - least) / (most - least) : 1);

/**
 * A score as text: shares with three decimals, bits and tokens with two.
 *
 * @param {number | null | undefined} value
 * @param {string} unit
 */
export function scoreText(value, unit) {
  if (value === null || value === undefined) return "not defined";
  return unit === "share" ? value.toFixed(3) : `${value.toFixed(2)} ${unit}`;
}

/** The score that the grid is coloured by, if it belongs to the heads in the grid. @param {State} state */
export function shownScore({ findings, overview, score }) {
  if (!findings || findings.id !== keyOf(overview?.capture)) return undefined;
  return findings.scores.find(({ name }) => name === score);
}
