import { COLOURSCALE, colourbarTicks, colourName, shade } from "./colour.js";
import { plotArea, rooms, TYPE } from "./plotarea.js";
import { frameOf, hiddenMass, isFoldable, sightOf, stepsOf, weightsOf } from "./sight.js";
import { plotlyTicks } from "./ticks.js";

/** @import {Area, Size} from "./plotarea.js" */
/** @import {Sight} from "./sight.js" */
/** @import {Look, Pattern, ScaleName, Span} from "./types.js" */

/** @typedef {{ink: string, line: string, masked: string}} Paint */

/**
 * Colours rather than weights, so that the scale may bend; masked cells are null, through which the grey shows.
 *
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 */
function shades(pattern, sight, scale) {
  return weightsOf(pattern, sight).map((row) => row.map((weight) => (weight === null ? null : shade(weight, scale))));
}

/**
 * @param {ScaleName} scale
 * @param {boolean} narrow
 * @param {boolean} behind true where the strip of what is folded away stands between the cells and the bar
 */
function colourbar(scale, narrow, behind) {
  const title = { text: "weight", font: { size: TYPE }, side: narrow ? "bottom" : "right" };
  const [xpad, ypad] = behind ? [22, 18] : [12, 10];
  const place = narrow ? { orientation: "h", x: 0.5, y: 0, yanchor: "top", ypad, xpad: 0 } : { xpad, ypad: 0, x: 1 };
  return { ...place, thickness: 10, outlinewidth: 0, len: 1, tickfont: { size: 11 }, title, ...colourbarTicks(scale) };
}

/**
 * @param {Pattern} pattern
 * @param {Sight} sight
 * @param {ScaleName} scale
 */
function trace(pattern, sight, scale) {
  const [tall = 1, wide = 1] = stepsOf(pattern.matrix, sight);
  return {
    type: "heatmap",
    z: shades(pattern, sight, scale),
    // Positions, not names: tokens repeat. A pooled cell stands in the middle of the tokens it covers.
    x0: (wide - 1) / 2,
    dx: wide,
    y0: (tall - 1) / 2,
    dy: tall,
    zmin: 0,
    zmax: 1,
    zsmooth: false,
    colorscale: COLOURSCALE,
    // The page writes the weight beside the pointer, as text: Plotly would read tags in it.
    hoverinfo: "skip",
  };
}

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
function folds(pattern, sight, scale, area) {
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
function foldName({ flipped }, area) {
  const middle = STRIP.gap + STRIP.thick / 2;
  const place = flipped
    ? { x: 0, xshift: -6, xanchor: "right", y: 0, yshift: -middle, yanchor: "middle" }
    : { x: 1, xshift: middle, xanchor: area.angle === -45 ? "left" : "center", y: 1, yshift: 6, yanchor: "bottom" };
  const textangle = flipped ? 0 : area.angle;
  return { text: "folded", showarrow: false, xref: "paper", yref: "paper", font: { size: TYPE }, textangle, ...place };
}

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
  const strip = folds(pattern, sight, look.scale, area);
  const title = (/** @type {string} */ text) => ({ text, font: { size: TYPE }, standoff: 6 });
  return {
    ...size,
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
    shapes: strip,
    annotations: strip.length ? [foldName(sight, area)] : [],
    dragmode: "zoom",
  };
}

/**
 * One head as Plotly's data and layout. `before` saves building a large trace again when only the window moved.
 *
 * @param {Pattern} pattern
 * @param {Look} look
 * @param {Size} size
 * @param {Paint} paint
 * @param {object} [before] the trace of the same pattern and scale, folded and flipped alike
 */
export function figure(pattern, look, size, paint, before) {
  const { narrow } = plotArea(pattern.capture.tokens, size);
  const sight = sightOf(pattern, look);
  const behind = look.fold && isFoldable(pattern) && narrow === sight.flipped;
  const data = { ...(before ?? trace(pattern, sight, look.scale)), colorbar: colourbar(look.scale, narrow, behind) };
  return { data: [data], layout: layoutOf(pattern, sight, look, size, paint) };
}
