import { whyBetween } from "../../model/missing_layers.js";
import { paint } from "../../plot/thumbnail.js";
import { listening, need } from "../../ui/dom.js";
import { placeTip } from "../../ui/tooltip.js";
import { cellAt } from "./rows.js";

/** @import {Actions, Store} from "../../types.js" */

/** A cell by its row and column as the grid shows them. @typedef {{row: number, column: number}} GridPlace */

/**
 * The place that a key moves to; null for keys that do not move. Rows without heads are skipped. Home and End move along
 * the row, with Ctrl to the first and the last head of the model.
 *
 * @param {string} key
 * @param {GridPlace} from
 * @param {number[]} counts how many heads each row has
 * @param {boolean} [control]
 * @returns {GridPlace | null}
 */
export function placeAfterKey(key, from, counts, control = false) {
  const { row, column } = from;
  const has = (/** @type {number} */ count) => count > 0;
  const [first, last] = [counts.findIndex(has), counts.findLastIndex(has)];
  const next = counts.findIndex((count, at) => at > row && has(count));
  /** @type {Record<string, GridPlace>} */
  const steps = control
    ? { Home: { row: first, column: 0 }, End: { row: last, column: Infinity } }
    : {
        ArrowUp: { row: counts.findLastIndex((count, at) => at < row && has(count)), column },
        ArrowDown: { row: next, column },
        ArrowLeft: { row, column: column - 1 },
        ArrowRight: { row, column: column + 1 },
        Home: { row, column: 0 },
        End: { row, column: Infinity },
        PageUp: { row: first, column },
        PageDown: { row: last, column },
        Enter: from,
        " ": from,
      };
  const to = steps[key];
  if (!to) return null;
  if (to.row < 0) return from;
  return { row: to.row, column: Math.min((counts[to.row] ?? 1) - 1, Math.max(0, to.column)) };
}

/**
 * A larger picture of the head under the pointer or with the focus; why a layer has no heads.
 *
 * @param {HTMLElement} root
 * @param {ReturnType<typeof listening>["on"]} on
 * @param {Store} store
 */
function mountPreview(root, on, store) {
  const [table, tip] = [need(root, ".heads"), need(root, ".tip")];
  /** @type {HTMLCanvasElement} */
  const large = need(tip, "canvas");

  /** @param {EventTarget | null} target @param {string} [more] */
  function show(target, more = "") {
    const shown = target instanceof Element && target.closest("[role='gridcell'], .none");
    if (!shown) return;
    const state = store.get();
    const found = cellAt(shown);
    const matrix = found && state.overview?.at(found.place.layer, found.place.head);
    large.hidden = !matrix;
    need(tip, "p").textContent = [shown.getAttribute("aria-label"), more].filter(Boolean).join(". ");
    const [box, frame] = [shown.getBoundingClientRect(), root.getBoundingClientRect()];
    placeTip(tip, { x: box.left - frame.left, y: box.bottom - frame.top - 12 });
    if (matrix) paint(large, matrix, state, large.clientWidth);
  }

  /** What the arrow keys have skipped. @param {FocusEvent} event */
  function skipped({ target, relatedTarget }) {
    const [to, from] = [cellAt(target), cellAt(relatedTarget)];
    const { overview, order } = store.get();
    if (!to || !from || order || !to.cell.matches(":focus-visible")) return "";
    const why = whyBetween(overview?.capture.model, from.place.layer, to.place.layer);
    return why && `Skipped: ${why}`;
  }

  on(table, "pointerover", ({ target }) => show(target));
  on(table, "focusin", (event) => show(event.target, skipped(event)));
  for (const left of ["pointerleave", "focusout"]) {
    on(table, left, () => {
      tip.hidden = true;
    });
  }
  // The event that loaded this file is repeated without its cell.
  show(table.querySelector(":is([role='gridcell'], .none):is(:hover, :focus)"));
}

/**
 * Loaded when the grid is pointed at or gets the focus.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => HTMLElement[][]} rowsNow the cells as they are shown, sorted or not
 * @returns {() => void} undo
 */
export function mountKeysAndPreview(root, store, actions, rowsNow) {
  const { on, undo } = listening();

  /** @param {KeyboardEvent} event */
  function press(event) {
    const found = cellAt(event.target) ?? cellAt(document.activeElement);
    if (!found || event.altKey) return;
    const rows = rowsNow();
    const row = rows.findIndex((cells) => cells.includes(found.cell));
    const from = { row, column: rows[row]?.indexOf(found.cell) ?? 0 };
    const counts = rows.map((cells) => cells.length);
    const to = placeAfterKey(event.key, from, counts, event.ctrlKey || event.metaKey);
    const target = to && cellAt(rows[to.row]?.[to.column] ?? null);
    if (!target) return;
    event.preventDefault();
    if (store.get().overview) actions.chooseHead(target.place.layer, target.place.head, "replace");
    target.cell.focus();
  }

  mountPreview(root, on, store);
  on(need(root, ".heads"), "keydown", press);
  return undo;
}
