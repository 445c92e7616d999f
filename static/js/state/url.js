import { choiceField, flagField, indexField, parseIndex, spanField, textField } from "../model/address_fields.js";
import { clip } from "../model/format.js";
import { PANEL_FIELDS, PANELS } from "./panels/index.js";

/** @import {AddressField} from "../model/address_fields.js" */
/** @import {Address, Panel, ScaleName, Show, Side} from "../types.js" */

/** @type {readonly ScaleName[]} */
export const SCALES = ["linear", "sqrt", "log"];

/** @type {readonly Side[]} */
const SIDES = ["query", "key"];

/** @type {readonly Show[]} */
export const SHOWS = ["weights", "effect", "layer", "raw", "bias"];

/** @type {readonly Panel[]} */
const PANEL_NAMES = ["", ...PANELS.map(({ name }) => name)];

/**
 * All fields of the address. Their names are part of shared links, so they never change.
 *
 * @type {{[K in keyof Address]: AddressField<Address[K]>}}
 */
const FIELDS = /** @type {any} */ ({
  model: {
    initial: "",
    parse: (/** @type {string} */ raw) => (/^[\w./:@-]{1,200}$/.test(raw) ? raw : undefined),
    print: String,
  },
  text: textField(),
  text_pair: textField(),
  target: textField(),
  stack: choiceField(["encoder", "decoder", "cross"], ""),
  truncate: flagField(),
  layer: indexField(),
  head: indexField(),
  scale: choiceField(SCALES, "sqrt"),
  rows: spanField(),
  columns: spanField(),
  fold: flagField(),
  flip: flagField(),
  as: choiceField(["map", "table"], "map"),
  token: indexField(),
  side: choiceField(SIDES, "query"),
  words: flagField(),
  show: choiceField(SHOWS, "weights"),
  score: {
    initial: null,
    parse: (/** @type {string} */ raw) => (/^[a-z_]{1,40}$/.test(raw) ? raw : undefined),
    print: String,
  },
  sort: flagField(),
  top: { ...indexField(), parse: (/** @type {string} */ raw) => parseIndex(raw) || undefined },
  panel: choiceField(PANEL_NAMES, ""),
  ...PANEL_FIELDS,
});

const NAMES = /** @type {(keyof Address)[]} */ (Object.keys(FIELDS));

/** What an empty address means. @returns {Address} */
export const emptyAddress = () =>
  /** @type {Address} */ (Object.fromEntries(NAMES.map((name) => [name, FIELDS[name].initial])));

/** @param {string} fragment with or without its "#" */
const fieldsOf = (fragment) => new URLSearchParams(fragment.replace(/^#/, ""));

/**
 * The state that a fragment describes, without the fields that are absent or not valid.
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
    const value = raw === null ? undefined : FIELDS[name].parse(raw);
    if (value !== undefined) address[name] = value;
  }
  // A layer without a head, or a head without a layer, means nothing.
  if (address.layer === undefined || address.head === undefined) {
    delete address.layer;
    delete address.head;
  }
  // Effects of single tokens cannot be added up to effects of words.
  if ((address.show ?? "weights") !== "weights") delete address.words;
  return /** @type {Partial<Address>} */ (address);
}

/**
 * A message about the fields of an address that are not valid; empty if all are.
 *
 * @param {string} fragment
 */
export function ignoredFields(fragment) {
  const accepted = parse(fragment);
  const ignored = [...fieldsOf(fragment)].filter(([name]) => !(name in accepted));
  // Clipped, because a field can be as long as a page.
  const named = ignored.map(([name, value]) => clip(`${name}=${value}`, 40));
  return named.length ? `Ignored part of the link: ${named.join(", ")}` : "";
}

/**
 * The fragment that describes a state, with its "#". A fragment is never sent to a server, so the text stays private.
 *
 * @param {Address} state
 */
export function print(state) {
  const given = new URLSearchParams();
  for (const name of NAMES) {
    const value = state[name];
    if (value !== null && value !== FIELDS[name].initial) given.set(name, FIELDS[name].print(value));
  }
  return `#${given}`;
}
