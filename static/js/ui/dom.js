/**
 * The element the template promises. A template and its script that disagree should say so at once.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {T}
 */
export function need(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return /** @type {T} */ (found);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children strings become text, never markup
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Listeners that are undone together.
 *
 * @returns {{on: (target: EventTarget, event: string, handler: (event: any) => void) => void, undo: () => void}}
 */
export function listening() {
  const controller = new AbortController();
  return {
    on: (target, event, handler) => target.addEventListener(event, handler, { signal: controller.signal }),
    undo: () => controller.abort(),
  };
}
