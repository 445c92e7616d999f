/** @import {Span} from "../types.js" */

/**
 * One field of the address bar. An address is user input: only values that `parse` accepts reach the page.
 *
 * @template [T=any]
 * @typedef {object} AddressField
 * @property {T} initial its value in an address without the field; never printed
 * @property {(raw: string) => T | undefined} parse undefined for a value that is not valid
 * @property {(value: any) => string} print
 */

/** A browser accepts about 2 MB of address, a chat window far less. */
const MAX_TEXT = 200_000;

/** A whole number from 0. @param {string} raw */
export const parseIndex = (raw) => (/^\d{1,9}$/.test(raw) ? Number(raw) : undefined);

/** @param {string} raw @returns {Span | undefined} */
function parseSpan(raw) {
  const parts = /^(\d{1,6}):(\d{1,6})$/.exec(raw);
  if (!parts) return undefined;
  const [from, to] = [Number(parts[1]), Number(parts[2])];
  return from < to ? [from, to] : undefined;
}

/** @returns {AddressField<number | null>} */
export const indexField = () => ({ initial: null, parse: parseIndex, print: String });

/** A whole number from 0 to 99. @returns {AddressField<number | null>} */
export const percentField = () => ({
  initial: null,
  parse: (raw) => (/^\d\d?$/.test(raw) ? Number(raw) : undefined),
  print: String,
});

/** @returns {AddressField<Span | null>} */
export const spanField = () => ({ initial: null, parse: parseSpan, print: (span) => span.join(":") });

/** Absent for false, 1 for true. @returns {AddressField<boolean>} */
export const flagField = () => ({
  initial: false,
  parse: (raw) => (raw === "1" ? true : undefined),
  print: () => "1",
});

/** @returns {AddressField<string>} */
export const textField = () => ({
  initial: "",
  parse: (raw) => (raw.length <= MAX_TEXT ? raw : undefined),
  print: String,
});

/**
 * @template {string} T
 * @param {readonly T[]} choices
 * @param {T} initial
 * @returns {AddressField<T>}
 */
export const choiceField = (choices, initial) => ({
  initial,
  parse: (raw) => choices.find((choice) => choice === raw && choice !== ""),
  print: String,
});
