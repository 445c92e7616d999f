/** @import {HeadPlace, Values} from "../types.js" */

/**
 * The heads by their values, the most first; those without one last, in the order of the model.
 *
 * @param {Values} values
 * @returns {HeadPlace[]}
 */
export function order(values) {
  const places = values.flatMap((row, layer) => row.map((value, head) => ({ layer, head, value })));
  const known = places.filter(({ value }) => value !== null);
  known.sort((one, other) => Number(other.value) - Number(one.value));
  return [...known, ...places.filter(({ value }) => value === null)].map(({ layer, head }) => ({ layer, head }));
}

/**
 * The smallest and the largest of the values; null where there is none.
 *
 * @param {Values} values
 */
export function rangeOf(values) {
  const known = values.flat().filter((value) => value !== null);
  return known.length ? { least: Math.min(...known), most: Math.max(...known) } : null;
}

/**
 * Where a value stands in the range of all: 0 the least, 1 the most; of values all alike, 1.
 *
 * @param {number} value
 * @param {{least: number, most: number}} range
 */
export const standing = (value, { least, most }) => (most > least ? (value - least) / (most - least) : 1);

/**
 * As people read it: shares in three decimals, bits and tokens in two.
 *
 * @param {number | null | undefined} value
 * @param {string} unit
 */
export function said(value, unit) {
  if (value === null || value === undefined) return "none";
  return unit === "share" ? value.toFixed(3) : `${value.toFixed(2)} ${unit}`;
}
