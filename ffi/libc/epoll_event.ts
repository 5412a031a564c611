/**
 * The layout of `struct epoll_event`, which is packed on x86-64 alone: u32 events, u64 data.
 *
 * @module
 */

const PACKED = Deno.build.arch === "x86_64";

/** Size of one event, in 32-bit words. */
export const EVENT_WORDS: 3 | 4 = PACKED ? 3 : 4;

/** Where the low half of the data is, in 32-bit words. */
export const DATA_WORD: 1 | 2 = PACKED ? 1 : 2;

/** Makes the event that `epoll_ctl` takes. The data is a number below 2³². */
export function makeEpollEvent(events: number, data: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(EVENT_WORDS);
  words[0] = events;
  words[DATA_WORD] = data;
  return new Uint8Array(words.buffer);
}
