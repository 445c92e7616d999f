import { cellOf, isMasked } from "../model/matrix.js";
import { colour } from "./colour.js";

/** @import {Matrix, ScaleName, State} from "../types.js" */

/**
 * Sizes of a row of thumbnails, in device pixels.
 *
 * @typedef {object} RowLayout
 * @property {number[]} lefts the left edge of each thumbnail
 * @property {number} side of each thumbnail, a whole number
 * @property {string} grey the colour of masked cells
 */

/**
 * One thumbnail as packed pixels; a masked cell is transparent and shows the grey behind the canvas.
 *
 * @param {Matrix} matrix
 * @param {boolean | null} causal
 * @param {ScaleName} scale
 */
export function pixels(matrix, causal, scale) {
  const packed = new Uint32Array(matrix.rows * matrix.columns);
  for (let row = 0; row < matrix.rows; row++) {
    for (let column = 0; column < matrix.columns; column++) {
      if (isMasked(matrix, causal, row, column)) continue;
      packed[row * matrix.columns + column] = colour(cellOf(matrix, row, column), scale);
    }
  }
  return packed;
}

/** @param {Matrix} matrix @param {State} state */
function imageOf(matrix, state) {
  const packed = pixels(matrix, state.overview?.capture.model.causal ?? null, state.scale);
  return new ImageData(new Uint8ClampedArray(packed.buffer), matrix.columns, matrix.rows);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Matrix} matrix
 * @param {State} state
 * @param {number} width of the canvas in the page; a parameter, as reading it for each canvas would force a layout each time
 */
export function paint(canvas, matrix, state, width) {
  if (canvas.width !== matrix.columns) canvas.width = matrix.columns;
  if (canvas.height !== matrix.rows) canvas.height = matrix.rows;
  // Shrinking must blend rows: dropping some of them would hide lines.
  canvas.style.imageRendering = width * devicePixelRatio < matrix.columns ? "auto" : "pixelated";
  canvas.getContext("2d")?.putImageData(imageOf(matrix, state), 0, 0);
}

/**
 * The thumbnails of a row side by side on one canvas: one canvas for each of thousands of heads would be slow.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Matrix[]} heads all of one shape; with an empty list, the canvas is cleared
 * @param {State} state
 * @param {RowLayout} layout
 */
export function paintRow(canvas, heads, state, { lefts, side, grey }) {
  const [first] = heads;
  canvas.width = first ? (lefts[heads.length - 1] ?? 0) + side : 1;
  canvas.height = first ? side : 1;
  canvas.style.width = `${canvas.width / devicePixelRatio}px`;
  const brush = canvas.getContext("2d");
  const small = first && new OffscreenCanvas(first.columns * heads.length, first.rows);
  const sketch = small?.getContext("2d", { willReadFrequently: true });
  if (!first || !brush || !sketch) return;
  heads.forEach((matrix, head) => {
    sketch.putImageData(imageOf(matrix, state), head * first.columns, 0);
  });
  brush.fillStyle = grey;
  brush.imageSmoothingEnabled = side < first.columns;
  brush.imageSmoothingQuality = "high";
  for (let head = 0; head < heads.length; head++) {
    const left = lefts[head] ?? 0;
    brush.fillRect(left, 0, side, side);
    brush.drawImage(sketch.canvas, head * first.columns, 0, first.columns, first.rows, left, 0, side, side);
  }
}
