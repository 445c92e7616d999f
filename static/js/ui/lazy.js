import { listening } from "./dom.js";

/** @import {State, Store} from "../types.js" */

/** @typedef {(error: unknown) => () => void} OnError shows an error; returns how to remove it, which is called when the part is mounted after all */

/**
 * Loads a module when it is first needed. Some browsers remember that a module failed to load and do not ask the server
 * again, so each further attempt uses another address.
 *
 * @template T
 * @param {(query: string) => Promise<T>} load imports the module, with this query at the end of its address
 * @returns {() => Promise<T>}
 */
export function lazyModule(load) {
  let attempts = 0;
  /** @type {Promise<T> | null} */
  let loaded = null;
  return () => {
    loaded ??= load(attempts ? `?attempt=${attempts}` : "").catch((error) => {
      attempts += 1;
      loaded = null;
      throw error;
    });
    return loaded;
  };
}

/**
 * Mounts a part of the page when the state first needs it. After a failure, the next change of the state tries again.
 *
 * @param {Store} store
 * @param {(keyof State)[]} names the fields that decide
 * @param {(state: State) => boolean} isNeeded
 * @param {() => Promise<() => void>} mount loads and mounts the part; returns its undo
 * @param {OnError} onError
 * @returns {() => void} undo
 */
export function mountWhen(store, names, isNeeded, mount, onError) {
  const part = createPart(mount, onError);
  const unwatch = store.watch(names, update);

  function update() {
    if (isNeeded(store.get())) part.start(unwatch);
  }

  update();
  return () => {
    unwatch();
    part.stop();
  };
}

/**
 * Mounts a part of the page at the first event that needs it. Events that happen before the part is mounted are dispatched
 * again when it is, so that none of them is lost. Elements around the target had them at the time and do not get them twice.
 *
 * @param {EventTarget} target
 * @param {string[]} types of events that the part handles
 * @param {() => boolean} isNeeded asked at each event
 * @param {() => Promise<() => void>} mount loads and mounts the part; returns its undo
 * @param {OnError} onError
 * @returns {() => void} undo
 */
export function mountOnEvent(target, types, isNeeded, mount, onError) {
  const { on, undo } = listening();
  const part = createPart(mount, onError);
  /** @type {Event[]} */
  const missed = [];

  function repeat() {
    undo();
    for (const event of missed) {
      const Kind = /** @type {typeof Event} */ (event.constructor);
      target.addEventListener(event.type, (again) => again.stopPropagation(), { once: true });
      target.dispatchEvent(new Kind(event.type, event));
    }
  }

  for (const type of types) {
    on(target, type, (event) => {
      if (!isNeeded()) return;
      missed.push(event);
      part.start(repeat);
    });
  }
  return () => {
    undo();
    part.stop();
  };
}

/**
 * A part of the page that is mounted once.
 *
 * @param {() => Promise<() => void>} mount
 * @param {OnError} onError
 */
function createPart(mount, onError) {
  /** @type {"missing" | "loading" | "mounted" | "stopped"} */
  let state = "missing";
  let undo = () => {};
  let removeError = () => {};

  /** @param {() => void} onMounted */
  async function start(onMounted) {
    if (state !== "missing") return;
    state = "loading";
    try {
      undo = await mount();
    } catch (error) {
      if (!isStopped()) state = "missing";
      removeError = onError(error);
      return;
    }
    if (isStopped()) return undo();
    state = "mounted";
    removeError();
    onMounted();
  }

  const isStopped = () => state === "stopped";

  return {
    start,
    stop() {
      state = "stopped";
      undo();
    },
  };
}
