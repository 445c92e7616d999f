import { clip } from "../model/format.js";
import { initialState } from "./store.js";

/** @import {Address, Panel, ScaleName, Show, Side, Span} from "../types.js" */

/** A browser takes about 2 MB of address, a chat window far less. */
const LONGEST_TEXT = 200_000;

/** @type {readonly ScaleName[]} */
export const SCALES = ["linear", "sqrt", "log"];

/** @type {readonly Side[]} */
const SIDES = ["query", "key"];

/** @type {readonly Show[]} */
export const SHOWS = ["weights", "effect", "layer"];

/** @type {readonly Panel[]} */
const PANELS = ["scores", "similarity", "rollout"];

/** @param {string} raw */
function index(raw) {
  return /^\d{1,9}$/.test(raw) ? Number(raw) : undefined;
}

/**
 * @param {string} raw
 * @returns {Span | undefined}
 */
function span(raw) {
  const parts = /^(\d{1,6}):(\d{1,6})$/.exec(raw);
  if (!parts) return undefined;
  const [from, to] = [Number(parts[1]), Number(parts[2])];
  return from < to ? [from, to] : undefined;
}

/** @param {string} raw */
const yes = (raw) => (raw === "1" ? true : undefined);

/** @param {Span} value */
const printSpan = (value) => value.join(":");

/**
 * Everything the address may hold: how to read it (undefined refuses) and how to write it.
 * An address is user input: whatever this table does not let through does not reach the page.
 *
 * @type {{[K in keyof Address]: {read: (raw: string) => Address[K] | undefined, print: (value: any) => string}}}
 */
const FIELDS = {
  model: { read: (raw) => (/^[\w./:@-]{1,200}$/.test(raw) ? raw : undefined), print: String },
  text: { read: (raw) => (raw.length <= LONGEST_TEXT ? raw : undefined), print: String },
  text_pair: { read: (raw) => (raw.length <= LONGEST_TEXT ? raw : undefined), print: String },
  truncate: { read: yes, print: () => "1" },
  layer: { read: index, print: String },
  head: { read: index, print: String },
  scale: { read: (raw) => SCALES.find((name) => name === raw), print: String },
  rows: { read: span, print: printSpan },
  columns: { read: span, print: printSpan },
  fold: { read: yes, print: () => "1" },
  flip: { read: yes, print: () => "1" },
  as: { read: (raw) => (raw === "table" ? raw : undefined), print: String },
  token: { read: index, print: String },
  side: { read: (raw) => SIDES.find((name) => name === raw), print: String },
  words: { read: yes, print: () => "1" },
  show: { read: (raw) => SHOWS.find((name) => name === raw), print: String },
  score: { read: (raw) => (/^[a-z_]{1,40}$/.test(raw) ? raw : undefined), print: String },
  sort: { read: yes, print: () => "1" },
  top: { read: (raw) => index(raw) || undefined, print: String },
  panel: { read: (raw) => PANELS.find((name) => name === raw), print: String },
  start: { read: index, print: String },
  upto: { read: index, print: String },
  residual: { read: (raw) => (/^\d\d?$/.test(raw) ? Number(raw) : undefined), print: String },
  raw: { read: yes, print: () => "1" },
  flow: { read: yes, print: () => "1" },
  probe: { read: yes, print: () => "1" },
};

const NAMES = /** @type {(keyof Address)[]} */ (Object.keys(FIELDS));

/** What an address says that says nothing. @returns {Address} */
export function firstVisit() {
  const state = initialState();
  return /** @type {Address} */ (Object.fromEntries(NAMES.map((name) => [name, state[name]])));
}

/** @param {string} fragment with or without its "#" */
const fieldsOf = (fragment) => new URLSearchParams(fragment.replace(/^#/, ""));

/**
 * The state a fragment asks for; fields that are absent or not sound are left out.
 *
 * @param {string} fragment with or without its "#"
 * @returns {Partial<Address>}
 */
export function parse(fragment) {
  const given = fieldsOf(fragment);
  /** @type {Record<string, unknown>} */
  const address = {};
  for (const name of NAMES) {
    const raw = given.get(name);
    const value = raw === null ? undefined : FIELDS[name].read(raw);
    if (value !== undefined) address[name] = value;
  }
  // A layer without its head (or the reverse) names nothing.
  if (address.layer === undefined || address.head === undefined) {
    delete address.layer;
    delete address.head;
  }
  // The tokens of a word have no effect of their own to add up.
  if ((address.show ?? "weights") !== "weights") delete address.words;
  return /** @type {Partial<Address>} */ (address);
}

/**
 * What an address asks for and does not get, in words; empty where all of it is sound.
 *
 * @param {string} fragment
 */
export function refused(fragment) {
  const taken = parse(fragment);
  const left = [...fieldsOf(fragment)].filter(([name]) => !(name in taken));
  // Cut short, as a field may be a page long.
  const named = left.map(([name, value]) => clip(`${name}=${value}`, 40));
  return named.length ? `left out of the address: ${named.join(", ")}` : "";
}

/**
 * The fragment of a state, "#" included. It is a fragment and not a query so that no server ever sees the text.
 *
 * @param {Address} state
 */
export function print(state) {
  const usual = initialState();
  const given = new URLSearchParams();
  for (const name of NAMES) {
    const value = state[name];
    if (value !== null && value !== usual[name]) given.set(name, FIELDS[name].print(value));
  }
  return `#${given}`;
}
