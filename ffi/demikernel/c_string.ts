/**
 * Strings as C wants them.
 *
 * @module
 */

/** Ends a string with NUL. It must have none inside. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
