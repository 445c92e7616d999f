import { tokensOf } from "./stack.js";

/** @import {Area, Matrix, Pattern, ShownTokens, Size, Span} from "../types.js" */

/** The newest result for each matrix. @type {WeakMap<Matrix, Matrix>} */
const newest = new WeakMap();

/**
 * A matrix whose cells each hold the maximum of `height` x `width` cells of the given one.
 *
 * @param {Matrix} matrix
 * @param {number} height
 * @param {number} width
 * @returns {Matrix}
 */
export function maxPooled(matrix, height, width) {
  if (height === 1 && width === 1) return matrix;
  const [queryStep, keyStep] = [matrix.queryStep * height, matrix.keyStep * width];
  const known = newest.get(matrix);
  if (known?.queryStep === queryStep && known.keyStep === keyStep) return known;
  const [rows, columns] = [Math.ceil(matrix.rows / height), Math.ceil(matrix.columns / width)];
  const values = new Float32Array(rows * columns).fill(-Infinity); // a bias may be below 0
  for (let row = 0; row < matrix.rows; row++) {
    const start = Math.floor(row / height) * columns;
    for (let column = 0; column < matrix.columns; column++) {
      const at = start + Math.floor(column / width);
      const value = matrix.values[row * matrix.columns + column] ?? 0;
      if (value > (values[at] ?? 0)) values[at] = value;
    }
  }
  const pooled = { ...matrix, values, rows, columns, queryStep, keyStep };
  newest.set(matrix, pooled);
  return pooled;
}

/**
 * The pattern at the resolution of the screen: in the window, no more cells than pixels. A cell without a pixel would
 * not be visible, however large its weight. A folded heatmap is returned unchanged, because its cells
 * are not contiguous.
 *
 * @param {Pick<ShownTokens, "pattern" | "axes" | "frame">} shown
 * @param {Pick<Area, "width" | "height">} area
 * @param {Size} size
 * @returns {Pattern}
 */
export function downsampled({ pattern, axes, frame }, area, { width: stage, density = 1 }) {
  const { capture } = pattern;
  const whole = capture.tokens.length + tokensOf(capture, "query").length;
  // A stage that is not visible has no pixels.
  if (!stage || axes.down.length + axes.across.length < whole) return pattern;
  const vertical = { span: frame.down, pixels: area.height * density };
  const horizontal = { span: frame.across, pixels: area.width * density };
  const [queries, keys] = axes.flipped ? [horizontal, vertical] : [vertical, horizontal];
  const cells = (/** @type {{span: Span, pixels: number}} */ { span, pixels }, /** @type {number} */ step) =>
    Math.max(1, Math.ceil((span[1] - span[0]) / step / pixels));
  const pooled = (/** @type {Matrix} */ of) => maxPooled(of, cells(queries, of.queryStep), cells(keys, of.keyStep));
  const [matrix, detail] = [pooled(pattern.matrix), pattern.detail && pooled(pattern.detail)];
  return matrix === pattern.matrix && detail === pattern.detail ? pattern : { ...pattern, matrix, detail };
}
