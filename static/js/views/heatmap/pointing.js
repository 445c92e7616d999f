import { cellAt } from "../../model/axes.js";
import { cellSentence } from "../../model/format.js";
import { cellPart, pressed } from "../../model/keyboard_moves.js";
import { boxOf, placeUnder } from "../../model/plot_area.js";
import { zoomed } from "../../model/zoom.js";
import { listening, need } from "../../ui/dom.js";
import { hideTip, placeTip, showTip } from "../../ui/tooltip.js";
import { createExactCell } from "./exact_cell.js";
import { placeAt } from "./plot_size.js";

/** @import {Actions, CellPlace, Geometry, Pattern, Store} from "../../types.js" */

const NOTHING = { query: null, key: null };

/**
 * The cursor of the heatmap: the cell that is read, with its mark and its tooltip.
 *
 * @param {HTMLElement} stage
 * @param {Store} store
 * @param {Actions} actions
 */
function createCursor(stage, store, actions) {
  const [mark, tip] = [need(stage, ".cursor"), need(stage, ".tip")];
  const exactCell = createExactCell(actions);
  /** @type {CellPlace | null} */
  let place = null;
  /** The pattern that the tooltip shows a weight of. @type {Pattern | null} */
  let read = null;

  return {
    get place() {
      return place;
    },

    hide() {
      if (!place) return;
      place = null;
      exactCell.cancel();
      mark.hidden = true;
      hideTip(tip);
      store.set({ hovered: NOTHING });
    },

    /** @param {Geometry} geometry @param {CellPlace} to @param {{x: number, y: number}} [pointer] */
    show(geometry, to, pointer) {
      const { area, frame, axes, drawn } = geometry;
      const box = boxOf(area, frame, cellPart(geometry, to));
      const cell = cellAt(axes, to);
      const moved = place?.down !== to.down || place.across !== to.across;
      const point = pointer ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
      placeAt(mark, box);
      const same = read?.matrix === drawn.matrix && read.detail === drawn.detail;
      if (!moved && same) return placeTip(tip, point);
      [place, read] = [to, drawn];
      showTip(tip, cellSentence(drawn, cell), point);
      exactCell.request(drawn, cell, (exact) => showTip(tip, cellSentence(drawn, cell, exact), point));
      if (moved) store.set({ hovered: cell });
    },
  };
}

/**
 * A touch ends right after the tap: the cursor stays until the next touch elsewhere, or until the page scrolls.
 *
 * @param {(target: EventTarget, event: string, handler: (event: any) => void) => void} on
 * @param {HTMLElement} stage
 * @param {() => void} leave
 */
function onLeaving(on, stage, leave) {
  on(stage, "pointerleave", ({ pointerType }) => pointerType === "touch" || leave());
  on(stage, "pointercancel", leave);
  on(document, "pointerdown", ({ target }) => (target instanceof Node && stage.contains(target)) || leave());
  on(stage, "blur", leave);
}

/**
 * Reads single cells of the heatmap, with the pointer and with keys. It uses the page's own geometry instead of
 * Plotly's hover events, which do not support keys, stop touches from scrolling the page, and interpret tags in labels.
 *
 * @param {HTMLElement} stage
 * @param {Store} store
 * @param {Actions} actions
 * @param {() => Geometry | null} geometryNow
 * @returns {() => void} undo
 */
export function mountPointing(stage, store, actions, geometryNow) {
  const { on, undo } = listening();
  const cursor = createCursor(stage, store, actions);

  /** @param {MouseEvent} event */
  function point(event) {
    const geometry = geometryNow();
    if (!geometry) return;
    const box = stage.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const under = placeUnder(geometry.area, geometry.frame, at);
    if (under) cursor.show(geometry, under, at);
    else cursor.hide();
  }

  /** Keys move from cell to cell as they are drawn. @param {KeyboardEvent} event */
  function press(event) {
    const found = event.altKey ? null : pressed(event, geometryNow(), cursor.place);
    if (!found) return;
    event.preventDefault();
    actions.adjust(found.patch);
    const moved = geometryNow();
    if (found.to && moved) cursor.show(moved, found.to);
    else cursor.hide();
  }

  /** The wheel scrolls the page; with Ctrl, which browsers also report for a pinch on a touchpad, it zooms. */
  function turn(/** @type {WheelEvent} */ event) {
    if (!event.ctrlKey) return;
    const geometry = geometryNow();
    if (!geometry) return;
    event.preventDefault();
    point(event);
    actions.adjust(zoomed(geometry, event.deltaY > 0 ? 1.25 : 0.8, cursor.place));
    point(event);
  }

  on(stage, "wheel", turn);
  on(stage, "pointermove", point);
  on(stage, "pointerdown", point);
  on(stage, "keydown", press);
  onLeaving(on, stage, cursor.hide);
  const unwatch = store.watch(["pattern", "fold", "flip"], (now, before) => {
    const other = now.pattern?.matrix !== before.pattern?.matrix;
    const geometry = geometryNow();
    if (other || !geometry || now.fold !== before.fold || now.flip !== before.flip) cursor.hide();
    // The detail of the same heatmap has arrived.
    else if (cursor.place) cursor.show(geometry, cursor.place);
  });
  return () => {
    unwatch();
    undo();
  };
}
