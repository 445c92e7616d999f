/** An error that the server answered (RFC 9457), or a server that could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {string} code
   * @param {string} detail
   * @param {number} [wait] seconds after which to try again, from Retry-After; 0 if the server named none
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

/** @param {string} message */
export const unreachable = (message) => new ApiError(0, "unreachable", message);

/** @param {unknown} error */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";
