import { flagField } from "../../model/address_fields.js";

/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const scores = {
  name: "scores",
  label: "scores",
  title: "Score of each head",
  fields: { probe: flagField() },
  results: { findings: null, probeResult: null },
};
