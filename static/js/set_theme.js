// Sets the remembered theme before the first paint, so that the page does not flash in the other theme.
// Not a module, because modules run after the whole page has been read.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be disabled. Then the system's theme is used.
  }
})();
