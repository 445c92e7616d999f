import { amount, nounOf, plural } from "../../model/format.js";
import { isExact } from "../../model/matrix.js";
import { entries, entryNames, shownMatrix, sorted, tsv } from "../../model/weight_table.js";
import { mountBriefMessage } from "../../ui/brief_message.js";
import { copyText } from "../../ui/clipboard.js";
import { listening, make, need } from "../../ui/dom.js";

/** @import {Column, Entry} from "../../model/weight_table.js" */
/** @import {Geometry, Matrix, Pattern, State, Store} from "../../types.js" */

const FIRST_ROWS = 100;
const MORE_ROWS = 400;

/** @typedef {{column: Column, ascending: boolean}} Order */

/** @param {Pattern} pattern @param {Matrix} matrix @param {Entry} entry */
function rowOf(pattern, matrix, entry) {
  const { query, key } = entryNames(pattern, matrix, entry);
  const full = String(entry.weight * (pattern.longest ?? 1));
  const value = make("td", { class: "number", title: full }, amount(pattern, entry.weight));
  return make("tr", {}, make("td", {}, query), make("td", {}, key), value);
}

/**
 * @param {HTMLElement} root
 * @param {State} state
 * @param {Entry[]} rows
 * @param {number} count how many of them to show
 * @param {Order} order
 */
function renderRows(root, state, rows, count, order) {
  const { pattern } = state;
  const shown = rows.slice(0, count);
  const matrix = pattern && shownMatrix(pattern, state);
  need(root, "tbody").replaceChildren(...(matrix ? shown.map((entry) => rowOf(pattern, matrix, entry)) : []));
  const noun = pattern?.longest === undefined ? "weight" : nounOf(pattern);
  need(root, '[data-sort="weight"]').textContent = noun;
  const each = !matrix || isExact(matrix) ? "" : `, each the maximum of ${matrix.queryStep} × ${matrix.keyStep}`;
  need(root, "caption").textContent =
    `${shown.length} of ${noun === "bias" ? `${rows.length} biases` : plural(rows.length, noun)}${each}`;
  need(root, '[data-rows="more"]').hidden = shown.length === rows.length;
  for (const button of root.querySelectorAll("[data-sort]")) {
    const isSorted = button instanceof HTMLElement && button.dataset.sort === order.column;
    const direction = order.ascending ? "ascending" : "descending";
    button.closest("th")?.setAttribute("aria-sort", isSorted ? direction : "none");
  }
}

/**
 * The weights of the heatmap as a table.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {() => Geometry | null} geometryNow
 * @returns {() => void} undo
 */
export function mountTable(root, store, geometryNow) {
  const { on, undo } = listening();
  /** @type {Order} */
  let order = { column: "weight", ascending: false };
  /** @type {Entry[]} */
  let rows = [];
  let count = FIRST_ROWS;

  /** Sorting a long text takes a moment: nothing is done while the table is hidden. */
  function render() {
    const state = store.get();
    root.hidden = state.as !== "table";
    if (root.hidden) return;
    const geometry = geometryNow();
    rows = geometry ? sorted(entries(geometry, state), order.column, order.ascending) : [];
    renderRows(root, state, rows, count, order);
  }

  on(need(root, "thead"), "click", (event) => {
    const column = event.target instanceof HTMLElement ? event.target.dataset.sort : undefined;
    if (!column) return;
    // First, positions are sorted from the start of the text, and weights from the largest.
    const ascending = column === order.column ? !order.ascending : column !== "weight";
    order = { column: /** @type {Column} */ (column), ascending };
    count = FIRST_ROWS;
    render();
  });
  on(need(root, '[data-rows="more"]'), "click", () => {
    count += MORE_ROWS;
    renderRows(root, store.get(), rows, count, order);
  });
  const copyButton = need(root, '[data-rows="copy"]');
  const message = mountBriefMessage(copyButton);
  on(copyButton, "click", () => {
    const { pattern } = store.get();
    if (pattern) copyText(tsv(pattern, rows), message.show, `copied ${plural(rows.length, "row")}`);
  });
  render();
  const unwatch = store.watch(["pattern", "as", "fold", "flip", "rows", "columns"], () => {
    count = FIRST_ROWS;
    render();
  });
  return () => {
    unwatch();
    message.remove();
    undo();
  };
}
