import { paintRow } from "../../plot/thumbnail.js";

/** @import {Matrix, State, Store} from "../../types.js" */
/** @import {RowLayout} from "../../plot/thumbnail.js" */

/** Milliseconds of a frame that painting may take. A large model takes several frames. */
const MAX_TIME = 8;

/**
 * Where the heads of a layer are on its canvas, the same for all layers; null while there are none.
 *
 * @param {HTMLElement} table
 * @returns {RowLayout | null}
 */
function layOf(table) {
  const rows = [...table.querySelectorAll("[role='row']:has(canvas)")];
  const widest = rows.reduce((most, row) => Math.max(most, row.childElementCount), 0);
  const row = rows.find(({ childElementCount }) => childElementCount === widest);
  const boxes = Array.from(row?.querySelectorAll("[role='gridcell']") ?? [], (cell) => cell.getBoundingClientRect());
  const [first] = boxes;
  if (!first?.width) return null;
  return {
    lefts: boxes.map(({ left }) => Math.round((left - first.left) * devicePixelRatio)),
    side: Math.max(1, Math.round(first.width * devicePixelRatio)),
    grey: getComputedStyle(table).getPropertyValue("--masked"),
  };
}

/**
 * Paints the layers that are visible, and no others: a large model has thousands of heads. A row that is painted already
 * is not painted again when a run adds the next layer.
 *
 * @param {HTMLElement} table whose rows hold a canvas and a gridcell for each head
 * @param {Store} store
 */
export function createPainter(table, store) {
  /** @type {WeakMap<Element, unknown[]>} what each row was painted from */
  const painted = new WeakMap();
  /** @type {Set<Element>} */
  const visible = new Set();
  let next = 0;
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) {
        if (isIntersecting) visible.add(target);
        else visible.delete(target);
      }
      paint();
    },
    { rootMargin: "50%", scrollMargin: "50%" },
  );
  const resized = new ResizeObserver(paint);
  resized.observe(table);

  /** @param {Element} row @param {RowLayout} lay */
  function paintIfChanged(row, lay) {
    const state = store.get();
    const heads = headsOf(state, row);
    const from = [heads[0], state.scale, lay.lefts.at(-1), lay.side, lay.grey];
    if (painted.get(row)?.every((part, at) => part === from[at])) return;
    painted.set(row, from);
    row.classList.toggle("blank", !heads.length);
    const canvas = row.querySelector("canvas");
    if (canvas) paintRow(canvas, heads, state, lay);
  }

  function paint() {
    cancelAnimationFrame(next);
    const lay = visible.size ? layOf(table) : null;
    if (!lay) return;
    const end = performance.now() + MAX_TIME;
    for (const row of visible) {
      paintIfChanged(row, lay);
      if (performance.now() < end) continue;
      next = requestAnimationFrame(paint);
      return;
    }
  }

  return {
    /** Call this after the rows were replaced. */
    observeRows() {
      observer.disconnect();
      visible.clear();
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
 * The small pictures of a row; none for a layer that has not run yet.
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
