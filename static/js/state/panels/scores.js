import { flagField } from "../../model/address_fields.js";
import { captureId } from "./descriptor.js";

/** @import {PanelDescriptor} from "./descriptor.js" */

/** @type {PanelDescriptor} */
export const scores = {
  name: "scores",
  label: "scores",
  title: "Score of each head",
  chart: "heatmap of the score: rows are layers, columns are heads; each cell of the grid has the same number",
  fields: { probe: flagField() },
  results: { findings: null, probeResult: null },
  analyses: [
    {
      message: () => "computing scores and roles of all heads …",
      // The grid shows scores too, and the facts about a head show its roles beside any open panel.
      isWanted: ({ score, panel }) => score !== null || panel !== "",
      key: captureId,
      async load(api, capture, _, onProgress) {
        const { scores: found, roles, sink } = await api.analyse(capture, "scores?roles=true", onProgress);
        return { findings: { id: capture.id, scores: found, roles: { roles, sink } } };
      },
    },
    {
      message: () => "running the induction probe …",
      isWanted: ({ panel, probe }) => panel === "scores" && probe,
      key: ({ overview }) => overview?.capture.model.id ?? "",
      async load(api, { model }) {
        const { scores: found, choice } = await api.probe(model.id);
        return { probeResult: { model: model.id, scores: found, choice } };
      },
      onError: { probe: false },
    },
  ],
};
