import { length } from "../model/format.js";
import { frameOf, isFoldable, layOf, sightOf, weightsOf } from "../model/placement.js";
import { COLOURSCALE, colourbarTicks, shade } from "./colour.js";
import { fit } from "./downsample.js";
import { foldedStrip } from "./folds.js";
import { plotArea, rooms, TYPE } from "./plotarea.js";
import { plotlyTicks } from "./ticks.js";

/** @import {Size} from "./plotarea.js" */
/** @import {Sight} from "../model/placement.js" */
/** @import {Look, Matrix, Pattern, ScaleName, Span} from "../types.js" */

/** @typedef {{ink: string, line: string, masked: string}} Paint */

/** What stands for a masked cell where the grey cannot show through: a value that no shade has. */
const MASKED = -1;

/**
 * Colours rather than weights, so that the scale may bend.
 *
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 * @param {number | null} masked what a masked cell is; through null the grey shows
 */
function shades(pattern, sight, scale, masked) {
  return weightsOf(pattern, sight).map((row) => row.map((weight) => (weight === null ? masked : shade(weight, scale))));
}

/**
 * @param {ScaleName} scale
 * @param {boolean} narrow
 * @param {boolean} behind true where the strip of what is folded away stands between the cells and the bar
 * @param {number} [longest] of effects
 */
function colourbar(scale, narrow, behind, longest) {
  const title = {
    text: longest === undefined ? "weight" : `share of the longest, ${length(longest)}`,
    font: { size: TYPE },
    side: narrow ? "bottom" : "right",
  };
  const [xpad, ypad] = behind ? [22, 18] : [12, 10];
  const place = narrow ? { orientation: "h", x: 0.5, y: 0, yanchor: "top", ypad, xpad: 0 } : { xpad, ypad: 0, x: 1 };
  return { ...place, thickness: 10, outlinewidth: 0, len: 1, tickfont: { size: 11 }, title, ...colourbarTicks(scale) };
}

/**
 * @param {Pick<Pattern, "capture" | "matrix">} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 * @param {number | null} masked
 */
function trace(pattern, sight, scale, masked) {
  const { down, across } = layOf(pattern.matrix, sight);
  return {
    type: "heatmap",
    z: shades(pattern, sight, scale, masked),
    // Positions, not names: tokens repeat. A pooled cell stands in the middle of the tokens it covers.
    x0: across.from + (across.step - 1) / 2,
    dx: across.step,
    y0: down.from + (down.step - 1) / 2,
    dy: down.step,
    zmin: 0,
    zmax: 1,
    zsmooth: false,
    colorscale: COLOURSCALE,
    // The page writes the weight beside the pointer, as text: Plotly would read tags in it.
    hoverinfo: "skip",
  };
}

/**
 * The closer look lies over the whole, which must not show through where it is masked.
 *
 * @param {ReturnType<typeof trace>} closer
 * @param {Paint} paint
 */
function over(closer, { masked }) {
  const upper = COLOURSCALE.map(([at, colour]) => [(1 + Number(at)) / 2, colour]);
  const lower = [0, 0.499].map((at) => [at, masked]);
  return { ...closer, zmin: MASKED, colorscale: [...lower, ...upper], showscale: false };
}

/**
 * Traces that were built, by their matrix: a large one takes a moment.
 *
 * @typedef {Map<Matrix, ReturnType<typeof trace>>} Traces
 */

/** @param {Span} span */
const edges = (span) => [span[0] - 0.5, span[1] - 0.5];

const QUERY = "query: the token that looks";
const KEY = "key: the token looked at";

/**
 * Rows run from the top, and columns are named along the top, where reading begins.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {Look} look
 * @param {Size} size
 * @param {Paint} paint
 */
function layoutOf(pattern, sight, look, size, paint) {
  const { tokens } = pattern.capture;
  const area = plotArea(tokens, size, sight.across.length);
  const room = rooms(area);
  const { down, across } = frameOf(sight, look);
  const along = (/** @type {number[]} */ side) => side.flatMap((index) => tokens[index] ?? []);
  const axis = {
    showgrid: false,
    zeroline: false,
    ticks: "outside",
    ticklen: 3,
    tickcolor: paint.line,
    tickfont: { size: TYPE },
  };
  const title = (/** @type {string} */ text) => ({ text, font: { size: TYPE }, standoff: 6 });
  return {
    width: size.width,
    height: size.height,
    margin: {
      l: area.left,
      t: area.top,
      r: size.width - area.left - area.width,
      b: size.height - area.top - area.height,
      autoexpand: false,
    },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: paint.masked,
    font: { family: "system-ui, sans-serif", color: paint.ink },
    xaxis: {
      ...axis,
      side: "top",
      title: title(sight.flipped ? QUERY : KEY),
      range: edges(across),
      tickangle: area.angle,
      ...plotlyTicks(along(sight.across), across, room.x),
    },
    yaxis: {
      ...axis,
      title: title(sight.flipped ? KEY : QUERY),
      range: edges(down).reverse(),
      ...plotlyTicks(along(sight.down), down, room.y),
    },
    ...foldedStrip(pattern, sight, look.scale, area),
  };
}

/**
 * One head as Plotly's data and layout.
 *
 * @param {Pattern} pattern
 * @param {Look} look
 * @param {Size} size
 * @param {Paint} paint
 * @param {Traces} [built] of the same scale, folded and flipped alike; it is kept up to date
 */
export function figure(pattern, look, size, paint, built = new Map()) {
  const { narrow } = plotArea(pattern.capture.tokens, size);
  const sight = sightOf(pattern, look);
  const behind = look.fold && isFoldable(pattern) && narrow === sight.flipped;
  const { capture, matrix, detail } = fit(pattern, look, size);
  const traced = (/** @type {Matrix} */ of, /** @type {number | null} */ masked) =>
    built.get(of) ?? trace({ capture, matrix: of }, sight, look.scale, masked);
  const whole = traced(matrix, null);
  const closer = detail && traced(detail, MASKED);
  built.clear();
  built.set(matrix, whole);
  if (detail && closer) built.set(detail, closer);
  const data = [
    { ...whole, colorbar: colourbar(look.scale, narrow, behind, pattern.longest) },
    ...(closer ? [over(closer, paint)] : []),
  ];
  return { data, layout: layoutOf(pattern, sight, look, size, paint) };
}
