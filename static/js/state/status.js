import { ApiError } from "../api/error.js";
import { counted, plural, seconds } from "../model/format.js";
import { headCounts } from "../model/heads.js";

/** @import {RunProgress} from "../api/streams.js" */
/** @import {Capture, Progress, State, Status} from "../types.js" */

/** The card of the state's model; undefined while the list has not loaded, and for a hub model that was not requested yet. @param {State} state */
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

/** @type {Record<Progress["stage"], (model: string) => string>} */
const STAGES = {
  asking: (model) => `asking the hub for ${model} …`,
  downloading: (model) => `downloading ${model}`,
  reading: (model) => `loading ${model} …`,
};

/** @param {string} model @param {Progress} progress @returns {Status} */
export function loading(model, progress) {
  const shown = progress.stage === "downloading" ? { progress } : {};
  return { kind: "busy", message: STAGES[progress.stage](model), ...shown };
}

/** @param {number} position @returns {Status} */
export function queued(position) {
  return { kind: "busy", message: position ? `waiting for ${plural(position, "other text")} …` : "running …" };
}

/** Seconds that a run must take for its estimate to be shown. */
const LONG = 3;

/** @param {RunProgress} run @returns {Status} */
export function running({ tokens, done, layers, seconds: estimate }) {
  const time = estimate !== null && estimate >= LONG ? `, about ${seconds(estimate * 1000)} in total` : "";
  return { kind: "busy", message: `running … ${plural(tokens, "token")}, layer ${done} of ${layers}${time}` };
}

/** The model writes the target. @param {string} written @param {number} tokens @returns {Status} */
export const writing = (written, tokens) => ({
  kind: "busy",
  message: `writing the target … ${plural(tokens, "token")}`,
  written,
});

/** @type {Status} */
export const IDLE = { kind: "idle", message: "" };

/** @type {Status} */
export const NO_TEXT = { kind: "idle", message: "The text box is empty." };

/** @type {Status} */
export const CANCELLED = { kind: "idle", message: "cancelled", retry: true };

/** The state of the API key after an error; null for errors about something else. @param {unknown} error */
export function apiKeyOf(error) {
  const code = error instanceof ApiError ? error.code : "";
  return code === "key_refused" ? "required" : code === "key_wrong" ? "rejected" : null;
}

/** The field of the page that an error is about, by its code. @type {Record<string, Status["about"]>} */
const FIELDS = {
  empty_text: "text",
  text_too_long: "text",
  too_many_tokens: "text",
  invalid_input: "text",
  pair_not_supported: "text-pair",
  target_not_supported: "target",
  model_not_found: "model",
};

/** Codes of errors below 500 that may be over when the same is requested again. */
const TEMPORARY = ["capture_gone", "download_cancelled"];

/** Where the server refers to its API, a reader of the page has the list of models, or a button. @param {ApiError} error @param {string} model */
function messageOf({ code, message }, model) {
  if (code === "model_not_found")
    return `${model}: this server has no such model; choose another one in the list above`;
  if (code === "pair_not_supported")
    return `${model} reads only one text: close the second sentence, or choose a BERT model`;
  if (code !== "too_many_tokens") return message;
  return message.replace("This model", model).replace(/[:.] shorten the text.*/i, ".");
}

/** @param {unknown} error @param {State} state @returns {Status} */
export function failed(error, { model, truncate }) {
  if (!(error instanceof ApiError)) return { kind: "error", message: `the page failed: ${error}`, retry: true };
  const retry = error.status === 0 || error.status >= 500 || error.status === 429 || TEMPORARY.includes(error.code);
  const message = messageOf(error, model);
  // If a truncated text is still too long, truncating again does not help.
  const ofTarget = message.startsWith("The target");
  const cuts = error.code === "too_many_tokens" && !truncate && !ofTarget;
  return { kind: "error", message, retry, cuts, about: ofTarget ? "target" : FIELDS[error.code] };
}

/** @param {Capture} capture @param {number} [milliseconds] @returns {Status} */
export function finished(capture, milliseconds) {
  const dropped = capture.tokens_dropped ? ` (${counted(capture.tokens_dropped)} more cut off)` : "";
  const total = headCounts(capture.model, capture).reduce((sum, count) => sum + count, 0);
  const { tokens, source_tokens = tokens, target_tokens } = capture;
  const target = target_tokens ? `, target of ${plural(target_tokens.length, "token")}` : "";
  const size = `${plural(source_tokens.length, "token")}${dropped}${target}, ${plural(total, "head")}`;
  return { kind: "done", message: milliseconds === undefined ? size : `${size}, ${seconds(milliseconds)}` };
}

/** A busy server gets at most so many requests for the same text. */
const MAX_TRIES = 10;

/**
 * The status while the page waits to try again; null if waiting does not help.
 *
 * @param {unknown} error
 * @param {number} tries so far
 * @returns {Status | null}
 */
export function waitToRetry(error, tries) {
  if (!(error instanceof ApiError && error.wait > 0) || tries >= MAX_TRIES) return null;
  // The reader asked for this model now, and its name may be wrong: the error is shown at once, with "Try again".
  if (error.code === "hub_unreachable") return null;
  const reason = error.code === "busy" ? "the server is busy with other texts" : error.message;
  return { kind: "busy", message: `${reason}: trying again in ${error.wait} s (${tries} of ${MAX_TRIES - 1})` };
}
