import { weightsOf } from "../model/axes.js";
import { nounOf } from "../model/format.js";
import { colourbarTicks, shade } from "./colour.js";
import { figure } from "./figure.js";

/** @import {Geometry, Matrix, ScaleName} from "../types.js" */
/** @import {Colours, Traces} from "./figure.js" */

/** Blue, white, red: white is 0. */
export const SIGNED = [
  [0, "#2166ac"],
  [0.5, "#ffffff"],
  [1, "#b2182b"],
];

/** The value of a masked cell of a detail: no shade has it. */
const MASKED = -2;

/** @param {number} value between -1 and 1 @param {ScaleName} scale */
const signedShade = (value, scale) => Math.sign(value) * shade(Math.abs(value), scale);

/** Half of the range is for masked cells, whose colour hides the whole heatmap behind a detail. @param {string} masked */
const opaque = (masked) => [
  [0, masked],
  [0.499, masked],
  ...SIGNED.map(([at, colour]) => [(1 + Number(at)) / 2, colour]),
];

/** @param {ScaleName} scale @param {number} longest */
function ticks(scale, longest) {
  const { tickvals, ticktext } = colourbarTicks(scale, longest);
  // 0 is in the middle, once.
  const below = tickvals.map((at) => -at).filter((at) => at < 0);
  const texts = ticktext.filter((_, at) => (tickvals[at] ?? 0) > 0).map((text) => `\u2212${text}`);
  return { tickvals: [...below.reverse(), ...tickvals], ticktext: [...texts.reverse(), ...ticktext] };
}

/**
 * A head whose values may be below 0, as Plotly's data and layout. White is 0, and the ends are the largest magnitude of
 * the head.
 *
 * @param {Geometry} geometry
 * @param {ScaleName} scale
 * @param {Colours} colours
 * @param {Traces} [built] not used: these are looked at too rarely
 */
export function signedFigure(geometry, scale, colours, built) {
  built?.clear();
  const { drawn, axes } = geometry;
  const { capture, matrix, detail, longest = 1 } = drawn;
  const { data, layout } = figure(geometry, scale, colours);
  const z = (/** @type {Matrix} */ of, /** @type {number | null} */ masked) =>
    weightsOf({ capture, matrix: of }, axes).map((row) =>
      row.map((value) => (value === null ? masked : signedShade(value, scale))),
    );
  const [whole, closer] = /** @type {any[]} */ (data);
  const title = { ...whole.colorbar.title, text: nounOf(drawn) };
  const colorbar = { ...whole.colorbar, ...ticks(scale, longest), title };
  const signed = [{ ...whole, z: z(matrix, null), zmin: -1, colorscale: SIGNED, colorbar }];
  if (closer && detail) signed.push({ ...closer, z: z(detail, MASKED), zmin: -3, colorscale: opaque(colours.masked) });
  return { data: signed, layout };
}
