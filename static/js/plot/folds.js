import { hiddenMass } from "../model/placement.js";
import { colourName } from "./colour.js";
import { TYPE } from "./plotarea.js";

/** @import {Area} from "./plotarea.js" */
/** @import {Sight} from "../model/placement.js" */
/** @import {Pattern, ScaleName} from "../types.js" */

/** Pixels between the cells and the strip of what is folded away, and how thick that is. */
const STRIP = { gap: 3, thick: 7 };

/**
 * What is folded away, as a strip along the queries: the colour is the weight that each of them gives to all of it.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 * @param {Area} area
 */
function cells(pattern, sight, scale, area) {
  const [near, far] = [STRIP.gap, STRIP.gap + STRIP.thick];
  const below = { yref: "paper", y0: -near / area.height, y1: -far / area.height };
  const beside = { xref: "paper", x0: 1 + near / area.width, x1: 1 + far / area.width };
  const along = (/** @type {number} */ at) =>
    sight.flipped
      ? { ...below, xref: "x", x0: at - 0.5, x1: at + 0.5 }
      : { ...beside, yref: "y", y0: at - 0.5, y1: at + 0.5 };
  return hiddenMass(pattern, sight).map((mass, at) => ({
    type: "rect",
    line: { width: 0 },
    fillcolor: colourName(mass, scale),
    ...along(at),
  }));
}

/**
 * The name of the strip, where the names of the tokens stand that it runs beside.
 *
 * @param {Sight} sight
 * @param {Area} area
 */
function name({ flipped }, area) {
  const middle = STRIP.gap + STRIP.thick / 2;
  const place = flipped
    ? { x: 0, xshift: -6, xanchor: "right", y: 0, yshift: -middle, yanchor: "middle" }
    : { x: 1, xshift: middle, xanchor: area.angle === -45 ? "left" : "center", y: 1, yshift: 6, yanchor: "bottom" };
  const textangle = flipped ? 0 : area.angle;
  return { text: "folded", showarrow: false, xref: "paper", yref: "paper", font: { size: TYPE }, textangle, ...place };
}

/**
 * Plotly's shapes and annotations for it; none where nothing is folded away.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 * @param {Area} area
 */
export function foldedStrip(pattern, sight, scale, area) {
  // Effects add up to nothing.
  const shapes = pattern.longest === undefined ? cells(pattern, sight, scale, area) : [];
  return { shapes, annotations: shapes.length ? [name(sight, area)] : [] };
}
