// Before the first paint, so that a remembered theme does not flash in from the other one.
// A classic script: it must stay outside the modules, which wait for the whole page.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden; the system's preference then stands.
  }
})();
