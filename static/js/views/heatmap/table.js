import { amount, plural } from "../../model/format.js";
import { entries, named, shownMatrix, sorted, tsv } from "../../model/listing.js";
import { isExact } from "../../model/matrix.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {Column, Entry} from "../../model/listing.js" */
/** @import {Actions, Matrix, Pattern, Store} from "../../types.js" */

const FIRST_ROWS = 100;
const MORE_ROWS = 400;

/** @param {Pattern} pattern @param {Matrix} matrix @param {Entry} entry */
function rowOf(pattern, matrix, entry) {
  const words = named(pattern, matrix, entry);
  const cell = (/** @type {number} */ position, /** @type {string} */ text) =>
    make("td", {}, make("span", { class: "position" }, String(position)), ` ${text}`);
  return make(
    "tr",
    {},
    cell(entry.query, words.query),
    cell(entry.key, words.key),
    make(
      "td",
      { class: "number", title: String(entry.weight * (pattern.longest ?? 1)) },
      amount(pattern, entry.weight),
    ),
  );
}

/**
 * The numbers of the picture as a table.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountTable(root, store, actions) {
  const { on, undo } = listening();
  /** @type {{column: Column, ascending: boolean}} */
  let order = { column: "weight", ascending: false };
  /** @type {Entry[]} */
  let rows = [];
  let count = FIRST_ROWS;

  function renderRows() {
    const state = store.get();
    const { pattern } = state;
    const shown = rows.slice(0, count);
    const matrix = pattern && shownMatrix(pattern, state);
    need(root, "tbody").replaceChildren(...(matrix ? shown.map((entry) => rowOf(pattern, matrix, entry)) : []));
    const noun = pattern?.longest === undefined ? "weight" : "effect";
    need(root, '[data-sort="weight"]').textContent = noun;
    const each = !matrix || isExact(matrix) ? "" : `, each the largest of ${matrix.queryStep} × ${matrix.keyStep}`;
    need(root, "caption").textContent = `${shown.length} of ${plural(rows.length, noun)}${each}`;
    need(root, '[data-rows="more"]').hidden = shown.length === rows.length;
    for (const button of root.querySelectorAll("[data-sort]")) {
      const by = button instanceof HTMLElement && button.dataset.sort === order.column;
      const direction = order.ascending ? "ascending" : "descending";
      button.closest("th")?.setAttribute("aria-sort", by ? direction : "none");
    }
  }

  /** Sorting a long text takes a moment: nothing is done for a table that is not shown. */
  function render() {
    const state = store.get();
    root.hidden = state.as !== "table";
    if (root.hidden) return;
    rows = state.pattern ? sorted(entries(state.pattern, state), order.column, order.ascending) : [];
    renderRows();
  }

  async function copy() {
    const { pattern } = store.get();
    if (!pattern) return;
    try {
      await navigator.clipboard.writeText(tsv(pattern, rows));
      actions.setStatus("done", `copied ${plural(rows.length, "row")}`);
    } catch {
      // Browsers keep the clipboard from pages that are neither local nor https.
      actions.setStatus("done", "this browser lets no page copy here: the npy and JSON links hold the same numbers");
    }
  }

  on(need(root, "thead"), "click", (event) => {
    const column = event.target instanceof HTMLElement ? event.target.dataset.sort : undefined;
    if (!column) return;
    // Positions are read from the start, weights from the heaviest.
    const ascending = column === order.column ? !order.ascending : column !== "weight";
    order = { column: /** @type {Column} */ (column), ascending };
    count = FIRST_ROWS;
    render();
  });
  on(need(root, '[data-rows="more"]'), "click", () => {
    count += MORE_ROWS;
    renderRows();
  });
  on(need(root, '[data-rows="copy"]'), "click", copy);
  render();
  const drawn = /** @type {const} */ (["pattern", "as", "fold", "rows", "columns"]);
  const unsubscribe = store.subscribe((now, before) => {
    if (!drawn.some((name) => now[name] !== before[name])) return;
    count = FIRST_ROWS;
    render();
  });
  return () => {
    unsubscribe();
    undo();
  };
}
