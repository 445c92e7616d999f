import { cellOf, isMasked } from "../model/matrix.js";
import { colour } from "./colour.js";

/** @import {Matrix, ScaleName, State} from "../types.js" */

/**
 * How small pictures lie side by side, in pixels of the screen.
 *
 * @typedef {object} Lay
 * @property {number} pitch from the left of one to the left of the next
 * @property {number} side of each, whole
 * @property {string} grey what a masked cell shows
 */

/**
 * One small picture as packed pixels; a masked cell stays transparent and shows the grey behind the canvas.
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
 * @param {number} width of the canvas in the page: asked for canvas by canvas, the page would be laid out as often
 */
export function paint(canvas, matrix, state, width) {
  if (canvas.width !== matrix.columns) canvas.width = matrix.columns;
  if (canvas.height !== matrix.rows) canvas.height = matrix.rows;
  // Dropping rows to shrink a picture would hide lines; a browser that blends them only pales them.
  canvas.style.imageRendering = width * devicePixelRatio < matrix.columns ? "auto" : "pixelated";
  canvas.getContext("2d")?.putImageData(imageOf(matrix, state), 0, 0);
}

/**
 * A layer's pictures side by side on one canvas: a canvas for each of thousands of heads would stall the page.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Matrix[]} heads all of one shape; none empties the canvas
 * @param {State} state
 * @param {Lay} lay
 */
export function paintRow(canvas, heads, state, { pitch, side, grey }) {
  const [first] = heads;
  canvas.width = first ? Math.round(pitch * (heads.length - 1)) + side : 1;
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
    const left = Math.round(head * pitch);
    brush.fillRect(left, 0, side, side);
    brush.drawImage(sketch.canvas, head * first.columns, 0, first.columns, first.rows, left, 0, side, side);
  }
}
