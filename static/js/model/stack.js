/** @import {Capture, ModelCard, Side, StackCard, State} from "../types.js" */

/**
 * The stacks of a model with an encoder and a decoder; empty for other models, and until the model is loaded.
 *
 * @param {Pick<ModelCard, "stacks"> | undefined} card
 * @returns {StackCard[]}
 */
export const stacksOf = (card) => (card?.stacks?.[1] ? (card.stacks ?? []) : []);

/** The stacks of the chosen model. @param {Pick<State, "overview" | "models" | "model">} state */
export const stacksChosen = ({ overview, models, model }) =>
  stacksOf([overview?.capture.card, ...models].find((card) => card?.id === model));

/** True for a model with an encoder and a decoder, and where a target is given. @param {State} state */
export const decodes = (state) => stacksChosen(state).length > 0 || (state.draft?.target ?? state.target) !== "";

/**
 * The tokens of the queries, or those of the keys: they differ in cross-attention.
 *
 * @param {Pick<Capture, "tokens" | "query_tokens">} capture
 * @param {Side} side
 */
export const tokensOf = ({ tokens, query_tokens = tokens }, side) => (side === "query" ? query_tokens : tokens);

/** True where the queries are tokens of one text, and the keys those of another. @param {Pick<Capture, "tokens" | "query_tokens">} capture */
export const isCross = ({ tokens, query_tokens = tokens }) => query_tokens !== tokens;

/** What belongs to a capture belongs to its stack. @param {Pick<Capture, "id" | "stack"> | undefined} capture */
export const keyOf = (capture) => [capture?.id, capture?.stack].filter(Boolean).join(" ");
