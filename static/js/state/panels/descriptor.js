/** @import {AnalysisApi, OnProgress} from "../../api/analyses.js" */
/** @import {AddressField} from "../../model/address_fields.js" */
/** @import {Capture, Panel, State} from "../../types.js" */

/**
 * Something that a panel requests from the server, once for each key.
 *
 * @typedef {object} Analysis
 * @property {(state: State) => boolean} isWanted
 * @property {(state: State) => string} key when it changes, the result no longer fits and is requested again
 * @property {(state: State) => string} message shown while the analysis runs
 * @property {(api: AnalysisApi, capture: Capture, state: State, onProgress: OnProgress) => Promise<Partial<State>>} load
 * @property {Partial<State>} [onError] how the state changes when the analysis fails
 *
 * Everything that the rest of the page must know about a panel. `views/panels/NAME.js` draws it, and is fetched when
 * the panel is opened for the first time.
 *
 * @typedef {object} PanelDescriptor
 * @property {Exclude<Panel, "">} name also the id of its section and the name of its file in views/panels/
 * @property {string} label of the button that opens it
 * @property {string} title
 * @property {string} chart a description of its chart, for screen readers
 * @property {Record<string, AddressField>} fields what the address bar holds of it
 * @property {Partial<State>} results fields of the state for its results, with their initial values
 * @property {Analysis[]} analyses
 */

/** @param {State} state */
export const captureId = ({ overview }) => overview?.capture.id ?? "";
