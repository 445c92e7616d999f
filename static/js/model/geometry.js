import { shownTokens } from "./axes.js";
import { downsampled } from "./downsample.js";
import { plotArea } from "./plot_area.js";
import { tokensOf } from "./stack.js";

/** @import {Display, Geometry, Pattern, Side, Size, State} from "../types.js" */

/** What the geometry of a pattern depends on, besides the pattern. @param {Display} display @param {Size} size */
const inputsOf = ({ rows, columns, fold, flip }, { width, height, density }) => [
  rows,
  columns,
  fold,
  flip,
  width,
  height,
  density,
];

/** What is along the two sides of the heatmap. @param {boolean} flip @returns {[down: Side, across: Side]} */
const sides = (flip) => (flip ? ["key", "query"] : ["query", "key"]);

/**
 * The newest geometry of each pattern: every move of the pointer asks for it.
 *
 * @type {WeakMap<Pattern, {inputs: unknown[], geometry: Geometry}>}
 */
const newest = new WeakMap();

/**
 * Where everything is in the heatmap: the only place that works this out. Views get it from here and do not repeat it.
 *
 * @param {Pick<State, "pattern"> & Display} state
 * @param {Size} size of the stage
 * @returns {Geometry | null} null where no head is shown
 */
export function geometryOf(state, size) {
  const { pattern } = state;
  if (!pattern) return null;
  const inputs = inputsOf(state, size);
  const known = newest.get(pattern);
  if (known?.inputs.every((input, at) => input === inputs[at])) return known.geometry;
  const shown = shownTokens(pattern, state);
  const [down, across] = sides(state.flip).map((side) => tokensOf(pattern.capture, side));
  const area = plotArea(down, size, shown.axes.across.length, across);
  const geometry = { ...shown, size, area, drawn: downsampled(shown, area, size) };
  newest.set(pattern, { inputs, geometry });
  return geometry;
}
