import { flagField, indexField, percentField } from "../../model/address_fields.js";
import { isCross } from "../../model/stack.js";

/** @import {State} from "../../types.js" */
/** @import {PanelDescriptor} from "./descriptor.js" */

/** Share of the residual stream in each layer, in percent, unless the reader chooses another. */
export const DEFAULT_RESIDUAL = 50;

/** @param {Pick<State, "overview">} state */
export const whyNot = ({ overview }) =>
  overview && isCross(overview.capture)
    ? "Not for cross-attention: a rollout follows tokens through the layers of one text. Choose the encoder or the decoder."
    : "";

/** @type {PanelDescriptor} */
export const rollout = {
  name: "rollout",
  label: "across layers",
  title: "Attention across layers",
  fields: {
    start: indexField(),
    upto: indexField(),
    residual: percentField(),
    raw: flagField(),
    flow: flagField(),
  },
  results: { rollout: null },
  whyNot,
};
