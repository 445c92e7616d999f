/** @typedef {{shape: number[], data: Float32Array}} Array32 */

const MAGIC = "\x93NUMPY";

/** @param {ArrayBuffer} buffer */
function header(buffer) {
  const view = new DataView(buffer);
  const letters = buffer.byteLength < 12 ? [] : [...new Uint8Array(buffer, 0, 6)];
  if (String.fromCharCode(...letters) !== MAGIC) throw new Error("not an .npy file: it does not begin with \\x93NUMPY");
  // The header length takes two bytes in version 1 and four in later versions.
  const [length, start] = view.getUint8(6) === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  const text = new TextDecoder("latin1").decode(new Uint8Array(buffer, start, length));
  return { text, end: start + length };
}

/**
 * Reads an .npy file with little-endian float32 in C order, the only kind that this page requests.
 *
 * @param {ArrayBuffer} buffer
 * @returns {Array32}
 */
export function readNpy(buffer) {
  const { text, end } = header(buffer);
  const type = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  if (type !== "<f4") throw new Error(`the array holds ${type}: this page reads <f4 (little-endian float32)`);
  if (/'fortran_order':\s*True/.test(text)) throw new Error("the array is in Fortran order: this page reads C order");
  const numbers = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1] ?? "";
  const shape = numbers
    .split(",")
    .filter((part) => part.trim())
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = buffer.byteLength - end;
  if (bytes !== count * 4) throw new Error(`the array [${shape}] needs ${count * 4} bytes and has ${bytes}`);
  // A Float32Array over the buffer must start at a multiple of four. numpy aligns to 64; other writers may not.
  const data = end % 4 === 0 ? new Float32Array(buffer, end, count) : new Float32Array(buffer.slice(end));
  return { shape, data };
}
