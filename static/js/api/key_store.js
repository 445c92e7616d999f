/**
 * The API key of a shared server, kept for as long as the tab is open. It is never put into an address, because
 * addresses end up in histories and logs. Without session storage, the key lasts as long as the page.
 */
export function createKeyStore() {
  let key = "";
  return {
    get() {
      try {
        return sessionStorage.getItem("key") ?? key;
      } catch {
        return key;
      }
    },
    /** @param {string} given */
    set(given) {
      key = given;
      try {
        sessionStorage.setItem("key", given);
      } catch {
        // Kept in the variable.
      }
    },
  };
}

/** A header can carry only visible ASCII characters. @param {string} key */
export const isSendable = (key) => /^[\x21-\x7e]+$/.test(key);
