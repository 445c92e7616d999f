/**
 * Numbers the runs, so that an answer to an older run is recognised and not shown.
 *
 * @typedef {() => boolean} IsCurrent false once a newer run has started
 */
export function createRunNumbers() {
  let latest = 0;

  /** @returns {IsCurrent} */
  function current() {
    const own = latest;
    return () => own === latest;
  }

  return {
    current,
    next() {
      latest += 1;
      return current();
    },
  };
}
