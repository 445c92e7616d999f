/**
 * Loads a style sheet that few visits need. After a failure, the next call tries again.
 *
 * @param {string} name
 * @returns {Promise<void>}
 */
export function loadStyleSheet(name) {
  const address = `/static/css/${name}.css`;
  if (document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  return new Promise((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`${address} did not load`));
    });
    document.head.append(link);
  });
}
