import { flagField } from "../../model/address_fields.js";

/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const scores = {
  name: "scores",
  label: "scores",
  title: "Score of each head",
  chart: "heatmap of the score: rows are layers, columns are heads; each cell of the grid has the same number",
  fields: { probe: flagField() },
  results: { findings: null, probeResult: null },
};
