import { rollout } from "./rollout.js";
import { scores } from "./scores.js";
import { similarity } from "./similarity.js";

/** All panels, in the order of their buttons. */
export const PANELS = [scores, similarity, rollout];

/** @template T @param {(panel: (typeof PANELS)[number]) => T} part */
const merged = (part) => Object.assign({}, ...PANELS.map(part));

/** What the address bar holds of the panels. @type {Record<string, import("../../model/address_fields.js").AddressField>} */
export const PANEL_FIELDS = merged(({ fields }) => fields);

/** The results of the panels while there are none. */
export const PANEL_RESULTS = merged(({ results }) => results);
