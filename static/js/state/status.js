import { ApiError } from "../api/error.js";
import { plural, seconds } from "../model/format.js";

/** @import {Capture, Progress, State, Status} from "../types.js" */

/** The card of the state's model; undefined before the list is here, and for one that nobody has asked for yet. @param {State} state */
const cardOf = ({ model, models }) => models.find((card) => card.id === model);

/** @param {State} state */
export const isReady = (state) => cardOf(state)?.state === "ready";

/** @type {Status} */
export const RUNNING = { kind: "busy", message: "running …" };

/** @param {State} state @returns {Status} */
export function waiting(state) {
  if (!cardOf(state) || isReady(state)) return RUNNING;
  return { kind: "busy", message: `loading ${state.model} …` };
}

/** What is being done with a model of that name, at each stage. @type {Record<Progress["stage"], (model: string) => string>} */
const STAGES = {
  asking: (model) => `asking the hub for ${model} …`,
  downloading: (model) => `downloading ${model}`,
  reading: (model) => `loading ${model} …`,
};

/** @param {string} model @param {Progress} progress @returns {Status} */
export function loading(model, progress) {
  const told = progress.stage === "downloading" ? { progress } : {};
  return { kind: "busy", message: STAGES[progress.stage](model), ...told };
}

/** @param {number} position @returns {Status} */
export function queued(position) {
  return { kind: "busy", message: position ? `waiting: ${plural(position, "other text")} first` : "running …" };
}

/** Seconds from which on it is worth saying how long a run takes. */
const LONG = 3;

/** @param {import("../api/streams.js").Run} run @returns {Status} */
export function running({ tokens, done, layers, seconds: foreseen }) {
  const time = foreseen !== null && foreseen >= LONG ? `, about ${seconds(foreseen * 1000)} in all` : "";
  return { kind: "busy", message: `running … ${plural(tokens, "token")}, layer ${done} of ${layers}${time}` };
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

const PASSING = ["capture_gone", "download_cancelled"];

/** @param {unknown} error @param {State} state @returns {Status} */
export function failed(error, { model, truncate }) {
  if (!(error instanceof ApiError)) return { kind: "error", message: `the page failed: ${error}`, retry: true };
  // The same text is refused for the same reason; only what passes (a full queue, a lost connection) is worth asking again.
  const passes = error.status === 0 || error.status >= 500 || error.status === 429 || PASSING.includes(error.code);
  // The server's way out is an address of the API; a reader has the list of models in front of them.
  const message =
    error.code === "model_not_found" ? `${model}: this server has no such model; choose another above` : error.message;
  // A text cut as short as it can be has no room for a token of its own.
  const cuts = error.code === "too_many_tokens" && !truncate;
  return { kind: "error", message, retry: passes, cuts, about: FIELDS[error.code] };
}

/** @param {Capture} capture @param {number} [milliseconds] @returns {Status} */
export function finished(capture, milliseconds) {
  const dropped = capture.tokens_dropped ? ` (${capture.tokens_dropped} more cut off)` : "";
  const size = `${plural(capture.tokens.length, "token")}${dropped}, ${plural(capture.layers * capture.heads, "head")}`;
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
