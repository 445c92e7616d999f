import { ApiError } from "./api.js";
import { plural, seconds } from "./format.js";

/** @import {Capture, State, Status} from "./types.js" */

/** @param {State} state @returns {Status} */
export function waiting(state) {
  const card = state.models.find((model) => model.id === state.model);
  const loading = card && card.state !== "ready";
  return { kind: "busy", message: loading ? `loading ${card.id} …` : "running …" };
}

/** @type {Status} */
export const IDLE = { kind: "idle", message: "" };

/** What an answer says of the key; nothing where it is about something else. @param {unknown} error */
export function keyOf(error) {
  const code = error instanceof ApiError ? error.code : "";
  return code === "key_refused" ? "wanted" : code === "key_wrong" ? "wrong" : null;
}

/** Which field of the page a refusal is about, by the code of the error. @type {Record<string, Status["about"]>} */
const FIELDS = {
  empty_text: "text",
  text_too_long: "text",
  too_many_tokens: "text",
  invalid_input: "text",
  pair_not_supported: "text-pair",
  model_not_found: "model",
};

/** @param {unknown} error @param {State} state @returns {Status} */
export function failed(error, { model }) {
  if (!(error instanceof ApiError)) return { kind: "error", message: `the page failed: ${error}`, retry: true };
  // The same text is refused for the same reason; only what passes (a full queue, a lost connection) is worth asking again.
  const passes = error.status === 0 || error.status >= 500 || error.status === 429 || error.code === "capture_gone";
  // The server's way out is an address of the API; a reader has the list of models in front of them.
  const message =
    error.code === "model_not_found" ? `${model}: this server has no such model; choose another above` : error.message;
  return { kind: "error", message, retry: passes, about: FIELDS[error.code] };
}

/** @param {Capture} capture @param {number} [milliseconds] @returns {Status} */
export function finished(capture, milliseconds) {
  const size = `${plural(capture.tokens.length, "token")}, ${plural(capture.layers * capture.heads, "head")}`;
  return { kind: "done", message: milliseconds === undefined ? size : `${size}, ${seconds(milliseconds)}` };
}

/**
 * What is wrong with a head that an address asks for; null for one that the model has.
 *
 * @param {Capture} capture
 * @param {number} layer
 * @param {number} head
 */
export function missing({ model, layers, heads }, layer, head) {
  const wayOut = "choose a head in the grid";
  if (layer >= layers) return `layer ${layer}: ${model.id} has layers 0..${layers - 1}; ${wayOut}`;
  if (head >= heads) return `head ${head} of layer ${layer}: ${model.id} has heads 0..${heads - 1}; ${wayOut}`;
  return null;
}

/** What a busy server is asked for no more than so many times over. */
const MOST_TRIES = 10;

/**
 * What the state becomes while a busy server is given the time it asks for; null for what waiting does not mend.
 *
 * @param {unknown} error
 * @param {number} tries so far
 * @returns {Status | null}
 */
export function patience(error, tries) {
  if (!(error instanceof ApiError && error.wait > 0) || tries >= MOST_TRIES) return null;
  const why = error.code === "busy" ? "the server is busy with other texts" : error.message;
  return { kind: "busy", message: `${why}: trying again in ${error.wait} s (${tries} of ${MOST_TRIES - 1})` };
}
