/**
 * Numbers the runs, so that an answer to an older run is recognised and not shown.
 *
 * @typedef {() => boolean} IsCurrent false once a newer run has started
 */
export function createTurns() {
  let turn = 0;

  /** @returns {IsCurrent} */
  function current() {
    const mine = turn;
    return () => mine === turn;
  }

  return {
    current,
    next() {
      turn += 1;
      return current();
    },
  };
}
