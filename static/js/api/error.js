/** What the server refused, in its own words (RFC 9457), or that it could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} code
   * @param {string} detail
   * @param {number} [wait] seconds after which the server asks to be tried again; 0 where it does not
   */
  constructor(status, code, detail, wait = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.wait = wait;
  }
}

/** @param {any} problem @param {number} status @param {number} [wait] */
export function errorOf(problem, status, wait) {
  const detail = problem.detail ?? problem.title ?? `the server answered ${status}`;
  return new ApiError(status, problem.code ?? "unknown", String(detail), wait);
}
