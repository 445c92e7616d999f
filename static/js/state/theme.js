/** @import {Store} from "../types.js" */

/**
 * Follows the system's theme until the reader chooses one; the choice is remembered.
 *
 * @param {Store} store
 */
export function createTheme(store) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const { theme } = root.dataset;
    store.set({ dark: theme ? theme === "dark" : system.matches });
  };
  system.addEventListener("change", apply);
  apply();
  return {
    toggle() {
      const theme = store.get().dark ? "light" : "dark";
      root.dataset.theme = theme;
      apply();
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // Storage may be disabled. Then the choice lasts as long as the page.
      }
    },
  };
}
