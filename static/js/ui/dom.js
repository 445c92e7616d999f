/**
 * The element that a script needs from its template. Throws if the template does not have it.
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
 * @param {(Node | string)[]} children strings are added as text, never as markup
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Event listeners that are removed together.
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

/** Set only if it changes, because screen readers announce every assignment. @param {HTMLElement} line @param {string} text */
export function setText(line, text) {
  if (line.textContent !== text) line.textContent = text;
}
