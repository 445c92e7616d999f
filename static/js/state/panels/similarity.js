/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const similarity = {
  name: "similarity",
  label: "similar heads",
  title: "Similar heads",
  chart: "scatter plot of the heads: heads with similar attention are close together; the nearest are listed beside it",
  fields: {},
  results: { similarity: null },
};
