import { captureId } from "./descriptor.js";

/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const similarity = {
  name: "similarity",
  label: "similar heads",
  title: "Similar heads",
  chart: "scatter plot of the heads: heads with similar attention are close together; the nearest are listed beside it",
  fields: {},
  results: { similarity: null },
  analyses: [
    {
      message: () => "comparing all pairs of heads …",
      isWanted: ({ panel }) => panel === "similarity",
      key: captureId,
      load: async (api, capture, _, onProgress) => ({
        similarity: { id: capture.id, result: await api.analyse(capture, "similarity", onProgress) },
      }),
    },
  ],
};
