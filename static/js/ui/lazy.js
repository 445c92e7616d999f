/**
 * Loads a module when it is first needed. Some browsers remember that a module failed to load and do not ask the server
 * again, so each further attempt uses another address.
 *
 * @template T
 * @param {(query: string) => Promise<T>} load imports the module, with this query at the end of its address
 * @returns {() => Promise<T>}
 */
export function lazyModule(load) {
  let attempts = 0;
  /** @type {Promise<T> | null} */
  let loaded = null;
  return () => {
    loaded ??= load(attempts ? `?attempt=${attempts}` : "").catch((error) => {
      attempts += 1;
      loaded = null;
      throw error;
    });
    return loaded;
  };
}
