import { clip } from "./format.js";

/** @import {Area, CellPlace, Frame, Size, Token} from "../types.js" */

/** Tick labels: 12 px type in lines of 13 px. Titles and colour bar use the space outside the labels. */
export const TYPE = 12;
const LINE = 13;
const TITLE = 26;

/** On a phone the colour bar is below the heatmap, to leave the heatmap more width. */
export const NARROW = 480;
const BAR = { beside: 78, below: 64 };

/** Pixels below the cells: the bar of folded keys is drawn there. */
const EDGE = 15;

/**
 * The smallest of 1, 2, 5, 10, 20, 50 ... that is not under `least`.
 *
 * @param {number} least
 */
export function niceStep(least) {
  if (least <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least) ?? 10;
  return factor * power;
}

/** Characters of Chinese, Japanese and Korean, and emoji, are as wide as two Latin letters. @param {string} text */
function columnsOf(text) {
  const wide = text.match(
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|\p{Extended_Pictographic}/gu,
  );
  return text.length + (wide?.length ?? 0);
}

/**
 * Pixels that the longest label of the whole text needs. It does not depend on the zoom: the cells must not move when
 * the window does.
 *
 * @param {Token[]} tokens
 * @param {number} letters
 */
function longestLabel(tokens, letters) {
  const known = longestLabels.get(tokens)?.get(letters);
  if (known !== undefined) return known;
  const found = measured(tokens, letters);
  longestLabels.set(tokens, new Map(longestLabels.get(tokens)).set(letters, found));
  return found;
}

/** Known results, as measuring a long text takes a while. @type {WeakMap<Token[], Map<number, number>>} */
const longestLabels = new WeakMap();

/** @param {Token[]} tokens @param {number} letters */
function measured(tokens, letters) {
  const prefix = niceStep(tokens.length / 40) > 1 ? String(tokens.length).length + 1 : 0;
  const widest = tokens.reduce((most, token) => Math.max(most, columnsOf(clip(token.text, letters))), 1);
  return (widest + prefix) * TYPE * 0.58;
}

/**
 * @param {Token[]} down the tokens along the left side
 * @param {Size} size
 * @param {number} [columns] how many tokens there are across
 * @param {Token[]} [across] the tokens along the top
 * @returns {Area}
 */
export function plotArea(down, size, columns = down.length, across = down) {
  const narrow = size.width < NARROW;
  const letters = narrow ? 9 : 14;
  const left = Math.round(longestLabel(down, letters) + TITLE + 8);
  const width = Math.max(40, size.width - left - (narrow ? 12 : BAR.beside));
  const { angle, rise } = slant(longestLabel(across, letters), width / columns, narrow);
  const top = Math.round(rise + TITLE + 8);
  const height = Math.max(40, size.height - top - (narrow ? BAR.below : EDGE));
  return { left, top, width, height, letters, angle, narrow };
}

/**
 * Angle and height of the labels above the heatmap: horizontal where the longest fits its cell, slanted where lines fit
 * side by side, else vertical.
 *
 * @param {number} label pixels
 * @param {number} cell pixels
 * @param {boolean} narrow true where there is no space beside the heatmap for the end of the last slanted label
 */
function slant(label, cell, narrow) {
  if (label + 8 < cell) return { angle: 0, rise: LINE };
  return cell > LINE * 1.5 && !narrow ? { angle: -45, rise: label * 0.71 + 8 } : { angle: -90, rise: label };
}

/** The space for labels on both axes. @param {Area} area */
export const labelSpace = (area) => ({
  x: { pixels: area.width, line: LINE, letters: area.letters },
  y: { pixels: area.height, line: LINE, letters: area.letters },
});

/**
 * The rectangle, in pixels of the stage, of a part of the heatmap while `frame` is shown.
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
 * The place under a point of the stage; null outside the cells.
 *
 * @param {Area} area
 * @param {Frame} frame
 * @param {{x: number, y: number}} point
 * @returns {CellPlace | null}
 */
export function placeUnder(area, { down, across }, point) {
  const right = (point.x - area.left) / area.width;
  const below = (point.y - area.top) / area.height;
  if (right < 0 || right >= 1 || below < 0 || below >= 1) return null;
  return {
    down: down[0] + Math.floor(below * (down[1] - down[0])),
    across: across[0] + Math.floor(right * (across[1] - across[0])),
  };
}
