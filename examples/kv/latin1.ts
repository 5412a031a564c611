/**
 * Bytes to strings and back, one character per byte.
 *
 * Where the text of an argument matters, it is a string whose character codes are the bytes. `TextDecoder("latin1")`
 * will not do: the Encoding Standard makes that windows-1252, which maps bytes 0x80 to 0x9f elsewhere.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Up to here a loop over the characters beats the native encoder, which needs a view of its own. */
const LOOP_LIMIT = 64;

const encoder = new TextEncoder();
// The method of Buffer works on any Uint8Array, so that no Buffer has to be made around the bytes.
const slice: (this: Uint8Array, start: number, end: number) => string =
  (Buffer.prototype as unknown as { latin1Slice(start: number, end: number): string }).latin1Slice;

/**
 * The bytes from `start` to `end` as a string of one character each.
 *
 * @param b The bytes.
 * @param start Index of the first byte.
 * @param end Index after the last byte.
 */
export function decodeLatin1(b: Uint8Array, start: number, end: number): string {
  // A fixed number of arguments compiles to one small allocation; a native call costs several.
  const code = String.fromCharCode;
  const s = start;
  // deno-fmt-ignore
  switch (end - start) {
    case 0: return "";
    case 1: return code(b[s]!);
    case 2: return code(b[s]!, b[s + 1]!);
    case 3: return code(b[s]!, b[s + 1]!, b[s + 2]!);
    case 4: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!);
    case 5: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!);
    case 6: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!);
    case 7: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!);
    case 8: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!);
    case 9: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!);
    case 10: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!);
    case 11: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!);
    case 12: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!);
    case 13: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!);
    case 14: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!);
    case 15: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!, b[s + 14]!);
    case 16: return code(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!, b[s + 14]!, b[s + 15]!);
    default: return slice.call(b, start, end);
  }
}

/**
 * Writes the characters of `text` as one byte each.
 *
 * @param text Characters with codes from 0 to 255.
 * @param bytes Where to write; it must have room.
 * @param at Index of the first byte to write.
 * @returns The index after the last byte written.
 */
export function encodeLatin1(text: string, bytes: Uint8Array, at: number): number {
  const length = text.length;
  if (length > LOOP_LIMIT) {
    // UTF-8 equals latin1 for ASCII; anything else does not fit in `length` bytes, and `read` shows it.
    const { read } = encoder.encodeInto(text, bytes.subarray(at, at + length));
    if (read === length) return at + length;
  }
  for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + length;
}
