import { frameOf, sightOf } from "../model/placement.js";
import { plotArea } from "./plotarea.js";

/** @import {Size} from "./plotarea.js" */
/** @import {Look, Matrix, Pattern, Span} from "../types.js" */

/** @type {WeakMap<Matrix, Matrix>} the last one that was made of each: it is asked for with every move of the pointer */
const fitted = new WeakMap();

/**
 * Cells that each hold the largest of so many rows and columns of another's.
 *
 * @param {Matrix} matrix
 * @param {number} tall
 * @param {number} wide
 * @returns {Matrix}
 */
export function merged(matrix, tall, wide) {
  if (tall === 1 && wide === 1) return matrix;
  const [queryStep, keyStep] = [matrix.queryStep * tall, matrix.keyStep * wide];
  const last = fitted.get(matrix);
  if (last?.queryStep === queryStep && last.keyStep === keyStep) return last;
  const [rows, columns] = [Math.ceil(matrix.rows / tall), Math.ceil(matrix.columns / wide)];
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < matrix.rows; row++) {
    const start = Math.floor(row / tall) * columns;
    for (let column = 0; column < matrix.columns; column++) {
      const at = start + Math.floor(column / wide);
      const value = matrix.values[row * matrix.columns + column] ?? 0;
      if (value > (values[at] ?? 0)) values[at] = value;
    }
  }
  const made = { ...matrix, values, rows, columns, queryStep, keyStep };
  fitted.set(matrix, made);
  return made;
}

/**
 * The pattern as the screen can show it: no more cells in the window than there are pixels, as a cell without one would
 * not be seen, however large its weight. Folded, it stays as it is: its cells are not those of the text any more.
 *
 * @param {Pattern} pattern
 * @param {Pick<Look, "fold" | "flip" | "rows" | "columns">} look
 * @param {Size} size
 * @returns {Pattern}
 */
export function fit(pattern, look, size) {
  const sight = sightOf(pattern, look);
  const { tokens } = pattern.capture;
  if (sight.down.length < tokens.length || sight.across.length < tokens.length) return pattern;
  const area = plotArea(tokens, size, sight.across.length);
  const { down, across } = frameOf(sight, look);
  const [rows, columns] = sight.flipped ? [across, down] : [down, across];
  const [tall, wide] = sight.flipped ? [area.width, area.height] : [area.height, area.width];
  const along = (/** @type {Span} */ span, /** @type {number} */ step, /** @type {number} */ pixels) =>
    Math.max(1, Math.ceil((span[1] - span[0]) / step / (pixels * (size.density ?? 1))));
  const fewer = (/** @type {Matrix} */ matrix) =>
    merged(matrix, along(rows, matrix.queryStep, tall), along(columns, matrix.keyStep, wide));
  const [matrix, detail] = [fewer(pattern.matrix), pattern.detail && fewer(pattern.detail)];
  return matrix === pattern.matrix && detail === pattern.detail ? pattern : { ...pattern, matrix, detail };
}
