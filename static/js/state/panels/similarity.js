/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const similarity = {
  name: "similarity",
  label: "similar heads",
  title: "Similar heads",
  fields: {},
  results: { similarity: null },
};
