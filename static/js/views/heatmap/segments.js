import { segmentsShown, segmentWindows } from "../../model/sentence_pair.js";
import { listening } from "../../ui/dom.js";

/** @import {Actions, Store} from "../../types.js" */

/**
 * The buttons that show the part of the heatmap from one sentence to another.
 *
 * @param {HTMLElement} group
 * @param {Store} store
 * @param {Actions} actions
 * @returns {() => void} undo
 */
export function mountSegments(group, store, actions) {
  const { on, undo } = listening();

  function render() {
    const state = store.get();
    group.hidden = !state.pattern || !Object.keys(segmentWindows(state.pattern.capture)).length;
    const chosen = segmentsShown(state);
    for (const button of group.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.segments === chosen));
    }
  }

  on(group, "click", (event) => {
    const { pattern } = store.get();
    const name = event.target instanceof HTMLElement ? event.target.dataset.segments : undefined;
    const window = pattern && name ? segmentWindows(pattern.capture)[name] : undefined;
    if (window) actions.adjust(window);
  });
  render();
  const unwatch = store.watch(["pattern", "rows", "columns"], render);
  return () => {
    unwatch();
    undo();
  };
}
