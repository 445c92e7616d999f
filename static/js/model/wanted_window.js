import { holds, isExact } from "./matrix.js";

/** @import {Pattern, Span, State, Window} from "../types.js" */

/**
 * The window that has to be fetched so that the heatmap is as sharp as the screen; null where it is already. The window
 * begins and ends at cell boundaries, so that a heatmap that is moved keeps its cells.
 *
 * @param {Pick<State, "pattern" | "rows" | "columns" | "cells">} state
 * @returns {Window | null}
 */
export function wantedDetail({ pattern, rows, columns, cells }) {
  if (!pattern || isExact(pattern.matrix)) return null;
  const { matrix, detail, capture } = pattern;
  const shown = { rows: rows ?? whole(capture.queries), columns: columns ?? whole(capture.keys) };
  const steps = { rows: stepFor(shown.rows, cells), columns: stepFor(shown.columns, cells) };
  if (steps.rows >= matrix.queryStep && steps.columns >= matrix.keyStep) return null;
  const held = detail && covers(detail, shown) && detail.queryStep <= steps.rows && detail.keyStep <= steps.columns;
  return held
    ? null
    : {
        rows: widened(shown.rows, steps.rows, capture.queries),
        columns: widened(shown.columns, steps.columns, capture.keys),
      };
}

/** The number of cells along a side is a multiple of this: a stage that grows a little needs no new fetch. */
const CELLS = 256;

/** A text of at most 512 tokens is always fetched whole; with more than 1,024 cells, Plotly takes long to draw. */
const [FEWEST, MOST] = [512, 1024];

/**
 * How many cells along a side to fetch for a stage of so many pixels.
 *
 * @param {number} pixels
 */
export const cellsFor = (pixels) => Math.min(MOST, Math.max(FEWEST, Math.ceil(pixels / CELLS) * CELLS));

/** @param {number} count @returns {Span} */
const whole = (count) => [0, count];

/** @param {Span} span @param {number} cells */
const stepFor = ([from, to], cells) => Math.ceil((to - from) / cells);

/** @param {Span} span @param {number} step @param {number} count @returns {Span} */
const widened = ([from, to], step, count) => [
  Math.floor(from / step) * step,
  Math.min(Math.ceil(to / step) * step, count),
];

/** @param {NonNullable<Pattern["detail"]>} detail @param {Window} shown */
const covers = (detail, { rows, columns }) =>
  holds(detail, { query: rows[0], key: columns[0] }) && holds(detail, { query: rows[1] - 1, key: columns[1] - 1 });
