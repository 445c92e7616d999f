/** @import {ScaleName} from "../types.js" */

/** Viridis at tenths: perceptually uniform, safe for colour-blind readers, and without grey, which marks masked cells. */
const STOPS = [
  [68, 1, 84],
  [72, 36, 117],
  [65, 68, 135],
  [53, 95, 141],
  [42, 120, 142],
  [33, 145, 140],
  [34, 168, 132],
  [66, 190, 113],
  [122, 209, 81],
  [189, 223, 38],
  [253, 231, 37],
];

/** Smaller weights have the same colour on the logarithmic scale: a tenth of a uniform weight over a thousand tokens. */
const LOG_FLOOR = 1e-4;

/** @type {Record<ScaleName, (weight: number) => number>} */
const SCALES = {
  linear: (weight) => weight,
  sqrt: Math.sqrt,
  log: (weight) => (weight <= LOG_FLOOR ? 0 : 1 - Math.log10(weight) / Math.log10(LOG_FLOOR)),
};

/** @type {Record<ScaleName, number[]>} */
const LABELLED = {
  linear: [0, 0.2, 0.4, 0.6, 0.8, 1],
  sqrt: [0, 0.02, 0.1, 0.25, 0.5, 0.75, 1],
  log: [1e-4, 1e-3, 0.01, 0.1, 1],
};

/**
 * The position of a weight on the colour scale: 0 is the darkest colour, 1 the brightest. In every head the ends are the
 * weights 0 and 1, so that a colour means the same weight everywhere on the page.
 *
 * @param {number} weight
 * @param {ScaleName} scale
 */
export const shade = (weight, scale) => Math.min(1, Math.max(0, SCALES[scale](Math.max(0, weight))));

/** @param {ScaleName} scale @param {number} [largest] the value at the bright end */
export function colourbarTicks(scale, largest = 1) {
  const labels = LABELLED[scale].map((weight, at) => {
    const value = Number((weight * largest).toPrecision(2));
    return scale === "log" && at === 0 ? `≤ ${value}` : String(value);
  });
  return { tickvals: LABELLED[scale].map((weight) => shade(weight, scale)), ticktext: labels };
}

/** The colour scale in Plotly's format. */
export const COLOURSCALE = STOPS.map((rgb, at) => [at / (STOPS.length - 1), `rgb(${rgb.join(",")})`]);

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
const pack = (red, green, blue) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** @param {number} position 0 to 1 */
function packed(position) {
  const below = Math.min(STOPS.length - 2, Math.floor(position * (STOPS.length - 1)));
  const part = position * (STOPS.length - 1) - below;
  const [red, green, blue] = [0, 1, 2].map((channel) => {
    const [from, to] = [STOPS[below]?.[channel] ?? 0, STOPS[below + 1]?.[channel] ?? 0];
    return Math.round(from + part * (to - from));
  });
  return pack(red ?? 0, green ?? 0, blue ?? 0);
}

/** 256 colours, packed for the pixels of an ImageData as a Uint32Array (little-endian: ABGR). */
const PALETTE = Uint32Array.from({ length: 256 }, (_, at) => packed(at / 255));

/**
 * The colour of a weight in CSS syntax.
 *
 * @param {number} weight
 * @param {ScaleName} scale
 */
export function colourName(weight, scale) {
  const packed = colour(weight, scale);
  return `rgb(${packed & 255}, ${(packed >> 8) & 255}, ${(packed >> 16) & 255})`;
}

/**
 * The colour of a weight, packed as one pixel.
 *
 * @param {number} weight
 * @param {ScaleName} scale
 */
export const colour = (weight, scale) => PALETTE[Math.round(shade(weight, scale) * 255)] ?? 0;
