import { clip } from "../model/format.js";
import { niceStep } from "./ticks.js";

/** @import {Frame, Place} from "../model/placement.js" */
/** @import {Token} from "../types.js" */

/** Tick labels: 12 px type in lines of 13. Titles and colour bar take what is outside the labels. */
export const TYPE = 12;
const LINE = 13;
const TITLE = 26;

/** On a phone the colour bar lies under the picture, whose width is dear there. */
const NARROW = 480;
const BAR = { beside: 78, below: 64 };

/** Under the cells, for what may be folded away there. */
const EDGE = 15;

/**
 * @typedef {object} Size
 * @property {number} width
 * @property {number} height
 * @property {number} [density] pixels of the screen for each of these, 1 where it is left out
 *
 * @typedef {object} Area where the cells are, in pixels of the stage
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 * @property {number} letters labels are cut to so many
 * @property {number} angle of the key labels, degrees
 * @property {boolean} narrow
 */

/** CJK, Hangul, kana and emoji take two Latin widths. @param {string} text */
function columnsOf(text) {
  const wide = text.match(
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|\p{Extended_Pictographic}/gu,
  );
  return text.length + (wide?.length ?? 0);
}

/**
 * Pixels the longest label needs, as though all had to stand at full zoom-out. It depends on the text and not on the
 * zoom: the cells must not move when the window does.
 *
 * @param {Token[]} tokens
 * @param {number} letters
 */
function longest(tokens, letters) {
  const known = longests.get(tokens)?.get(letters);
  if (known !== undefined) return known;
  const found = measured(tokens, letters);
  longests.set(tokens, new Map(longests.get(tokens)).set(letters, found));
  return found;
}

/** Asked for with each move of the pointer, and a long text takes a while. @type {WeakMap<Token[], Map<number, number>>} */
const longests = new WeakMap();

/** @param {Token[]} tokens @param {number} letters */
function measured(tokens, letters) {
  const prefix = niceStep(tokens.length / 40) > 1 ? String(tokens.length).length + 1 : 0;
  const widest = tokens.reduce((most, token) => Math.max(most, columnsOf(clip(token.text, letters))), 1);
  return (widest + prefix) * TYPE * 0.58;
}

/**
 * @param {Token[]} tokens
 * @param {Size} size
 * @param {number} [columns] how many of the tokens stand side by side
 * @returns {Area}
 */
export function plotArea(tokens, size, columns = tokens.length) {
  const narrow = size.width < NARROW;
  const letters = narrow ? 9 : 14;
  const label = longest(tokens, letters);
  const left = Math.round(label + TITLE + 8);
  const width = Math.max(40, size.width - left - (narrow ? 12 : BAR.beside));
  const { angle, rise } = slant(label, width / columns, narrow);
  const top = Math.round(rise + TITLE + 8);
  const height = Math.max(40, size.height - top - (narrow ? BAR.below : EDGE));
  return { left, top, width, height, letters, angle, narrow };
}

/**
 * How the key labels stand, and how high: flat where the longest fits its cell, slanted where lines fit side by side.
 *
 * @param {number} label pixels
 * @param {number} cell pixels
 * @param {boolean} narrow true where nothing beside the picture could take the end of the last leaning label
 */
function slant(label, cell, narrow) {
  if (label + 8 < cell) return { angle: 0, rise: LINE };
  return cell > LINE * 1.5 && !narrow ? { angle: -45, rise: label * 0.71 + 8 } : { angle: -90, rise: label };
}

/** @param {Area} area */
export const rooms = (area) => ({
  x: { pixels: area.width, line: LINE, letters: area.letters },
  y: { pixels: area.height, line: LINE, letters: area.letters },
});

/**
 * The rectangle of a part of the picture on the stage, when `frame` is shown.
 *
 * @param {Area} area
 * @param {Frame} frame
 * @param {Frame} part
 */
export function boxOf(area, { down, across }, part) {
  const [width, height] = [area.width / (across[1] - across[0]), area.height / (down[1] - down[0])];
  return {
    left: area.left + (part.across[0] - across[0]) * width,
    top: area.top + (part.down[0] - down[0]) * height,
    width: (part.across[1] - part.across[0]) * width,
    height: (part.down[1] - part.down[0]) * height,
  };
}

/**
 * The rectangle of a place.
 *
 * @param {Area} area
 * @param {Frame} frame
 * @param {Place} place
 */
export const cellBox = (area, frame, { down, across }) =>
  boxOf(area, frame, { down: [down, down + 1], across: [across, across + 1] });

/**
 * The place under a point of the stage; null beside the cells.
 *
 * @param {Area} area
 * @param {Frame} frame
 * @param {{x: number, y: number}} point
 * @returns {Place | null}
 */
export function cellUnder(area, { down, across }, point) {
  const far = (point.x - area.left) / area.width;
  const low = (point.y - area.top) / area.height;
  if (far < 0 || far >= 1 || low < 0 || low >= 1) return null;
  return {
    down: down[0] + Math.floor(low * (down[1] - down[0])),
    across: across[0] + Math.floor(far * (across[1] - across[0])),
  };
}
