import { paintRow } from "../../plot/thumbnail.js";

/** @import {Matrix, State, Store} from "../../types.js" */
/** @import {RowLayout} from "../../plot/thumbnail.js" */

/** Of a frame's sixteen milliseconds, so many may go into painting: a large model takes several frames. */
const MOST = 8;

/**
 * Where the heads of a layer lie on its canvas, all over the grid alike; null where there are none yet.
 *
 * @param {HTMLElement} table
 * @returns {RowLayout | null}
 */
function layOf(table) {
  const cells = table.querySelector("[role='row']:has(canvas)")?.querySelectorAll("[role='gridcell']") ?? [];
  const [first, last] = [cells[0]?.getBoundingClientRect(), cells[cells.length - 1]?.getBoundingClientRect()];
  if (!first?.width || !last) return null;
  const pitch = (last.left - first.left) / Math.max(1, cells.length - 1);
  return {
    pitch: pitch * devicePixelRatio,
    side: Math.max(1, Math.round(first.width * devicePixelRatio)),
    grey: getComputedStyle(table).getPropertyValue("--masked"),
  };
}

/**
 * Paints the layers that are in sight, and no other: a large model has thousands of heads. What a row shows already is
 * not painted again, as a run brings one layer after the other.
 *
 * @param {HTMLElement} table whose rows hold a canvas and a gridcell for each head
 * @param {Store} store
 */
export function createPainter(table, store) {
  /** @type {WeakMap<Element, unknown[]>} what each row was painted from */
  const shown = new WeakMap();
  /** @type {Set<Element>} */
  const inSight = new Set();
  let next = 0;
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        if (isIntersecting) inSight.add(target);
        else inSight.delete(target);
      }
      paint();
    },
    { rootMargin: "50%" },
  );
  const resized = new ResizeObserver(paint);
  resized.observe(table);

  /** @param {Element} row @param {RowLayout} lay */
  function look(row, lay) {
    const state = store.get();
    const heads = headsOf(state, row);
    const from = [heads[0], state.scale, lay.pitch, lay.side, lay.grey];
    if (shown.get(row)?.every((part, at) => part === from[at])) return;
    shown.set(row, from);
    row.classList.toggle("blank", !heads.length);
    const canvas = row.querySelector("canvas");
    if (canvas) paintRow(canvas, heads, state, lay);
  }

  function paint() {
    cancelAnimationFrame(next);
    const lay = inSight.size ? layOf(table) : null;
    if (!lay) return;
    const end = performance.now() + MOST;
    for (const row of inSight) {
      look(row, lay);
      if (performance.now() < end) continue;
      next = requestAnimationFrame(paint);
      return;
    }
  }

  return {
    /** To be told when the rows are others. */
    watch() {
      observer.disconnect();
      inSight.clear();
      for (const row of table.querySelectorAll("[role='row']:has(canvas)")) observer.observe(row);
    },
    paint,
    stop() {
      cancelAnimationFrame(next);
      observer.disconnect();
      resized.disconnect();
    },
  };
}

/**
 * The small pictures of a row; none of a layer that is still to be run.
 *
 * @param {Pick<State, "overview">} state
 * @param {Element} row
 * @returns {Matrix[]}
 */
function headsOf({ overview }, row) {
  const cells = /** @type {Iterable<HTMLElement>} */ (row.querySelectorAll("[role='gridcell']"));
  const found = Array.from(cells, ({ dataset: { layer, head } }) => overview?.at(Number(layer), Number(head)));
  return found.filter((matrix) => !!matrix);
}
