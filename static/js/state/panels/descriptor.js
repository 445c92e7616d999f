/** @import {AddressField} from "../../model/address_fields.js" */
/** @import {Panel, State} from "../../types.js" */

/**
 * Everything that the rest of the page must know about a panel. `views/panels/NAME.js` draws it, and is fetched when
 * the panel is opened for the first time.
 *
 * @typedef {object} PanelDescriptor
 * @property {Exclude<Panel, "">} name also the id of its section and the name of its file in views/panels/
 * @property {string} label of the button that opens it
 * @property {string} title
 * @property {Record<string, AddressField>} fields what the address bar holds of it
 * @property {Partial<State>} results fields of the state for its results, with their initial values
 * @property {(state: State) => string} [whyNot] why it shows nothing of what is on the page; empty if it does
 */

export {};
