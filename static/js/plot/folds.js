import { foldedMass } from "../model/axes.js";
import { TYPE } from "../model/plot_area.js";
import { colourName } from "./colour.js";

/** @import {Area, Axes, Pattern, ScaleName} from "../types.js" */

/** Pixels between the cells and the bar of folded keys, and the thickness of the bar. */
const BAR = { gap: 3, thickness: 7 };

/**
 * The bar of folded keys, along the queries: one rectangle per query, coloured by the sum of its weights on them.
 *
 * @param {Pattern} pattern
 * @param {Axes} axes
 * @param {ScaleName} scale
 * @param {Area} area
 */
function rectangles(pattern, axes, scale, area) {
  const [near, far] = [BAR.gap, BAR.gap + BAR.thickness];
  const below = { yref: "paper", y0: -near / area.height, y1: -far / area.height };
  const beside = { xref: "paper", x0: 1 + near / area.width, x1: 1 + far / area.width };
  const along = (/** @type {number} */ at) =>
    axes.flipped
      ? { ...below, xref: "x", x0: at - 0.5, x1: at + 0.5 }
      : { ...beside, yref: "y", y0: at - 0.5, y1: at + 0.5 };
  return foldedMass(pattern, axes).map((mass, at) => ({
    type: "rect",
    line: { width: 0 },
    fillcolor: colourName(mass, scale),
    ...along(at),
  }));
}

/**
 * The label of the bar, in line with the labels of the keys.
 *
 * @param {Axes} axes
 * @param {Area} area
 */
function label({ flipped }, area) {
  const middle = BAR.gap + BAR.thickness / 2;
  const place = flipped
    ? { x: 0, xshift: -6, xanchor: "right", y: 0, yshift: -middle, yanchor: "middle" }
    : {
        x: 1,
        xshift: middle,
        xanchor: area.angle === -90 ? "center" : "left",
        y: 1,
        yshift: area.angle ? 6 : 4,
        yanchor: "bottom",
      };
  const textangle = flipped ? 0 : area.angle;
  return { text: "hidden", showarrow: false, xref: "paper", yref: "paper", font: { size: TYPE }, textangle, ...place };
}

/**
 * The bar of folded keys as Plotly's shapes and annotations; empty where nothing is folded.
 *
 * @param {Pattern} pattern
 * @param {Axes} axes
 * @param {ScaleName} scale
 * @param {Area} area
 */
export function foldedBar(pattern, axes, scale, area) {
  // Effects have no meaningful sum.
  const shapes = pattern.longest === undefined ? rectangles(pattern, axes, scale, area) : [];
  return { shapes, annotations: shapes.length ? [label(axes, area)] : [] };
}
