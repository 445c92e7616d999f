import { isCross } from "../../model/stack.js";
import { make, need } from "../../ui/dom.js";

/** @import {Store} from "../../types.js" */

const KEYS = "arrow keys move the focus, Enter pins a token, Escape unpins it";

/**
 * The names of the texts of a model with an encoder and a decoder, and a second line for cross-attention: the tokens of
 * the target, which are its queries.
 *
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {(line: HTMLElement) => () => void} mountLine
 * @returns {() => void} undo
 */
export function mountTargetLine(root, store, mountLine) {
  const [text, sides] = [need(root, ".tokens"), need(root, "fieldset.side")];
  const before = text.getAttribute("aria-label") ?? "";
  const line = make("div", { class: "tokens", role: "group", "aria-label": `tokens of the target; ${KEYS}` });
  line.dataset.text = "target";

  function render() {
    const { pattern } = store.get();
    const isOfTwo = pattern?.capture.stack !== undefined;
    const cross = isOfTwo && isCross(pattern.capture);
    // In cross-attention, a token of the target is a query and a token of the text is a key.
    for (const [part, hidden] of /** @type {const} */ ([
      [line, !cross],
      [sides, cross],
    ]))
      part.hidden = hidden;
    const name = pattern?.capture.stack === "decoder" ? "target" : "text";
    if (isOfTwo) text.dataset.text = name;
    else delete text.dataset.text;
    text.setAttribute("aria-label", isOfTwo ? `tokens of the ${name}; ${KEYS}` : before);
  }

  text.before(line);
  render();
  const undoLine = mountLine(line);
  const unwatch = store.watch(["pattern"], render);
  return () => {
    unwatch();
    undoLine();
    line.remove();
  };
}
