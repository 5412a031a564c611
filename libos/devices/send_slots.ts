/**
 * Frames that a packet socket sends: written in place, and sent by one call.
 *
 * @module
 */

import { addressOf } from "../../ffi/libc/memory.ts";
import type { FrameCounters } from "./counters.ts";
import { type Libc, libc } from "../../ffi/libc/load.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import type { Memory } from "../runtime/memory/memory.ts";
import { MESSAGE } from "../../ffi/libc/msghdr.ts";
import { MMSGHDR_WORDS } from "../../ffi/libc/packet.ts";
import { Words } from "../../ffi/libc/words.ts";

/** Frames that wait for a call at most; then there is one. */
const SLOTS = 64;
/** Where a frame begins in its slot, so that the words of its packet are aligned. */
const START = 2;

/** Where the segments of the messages are among the words, behind their headers; and two words more. */
const SEGMENTS = SLOTS * MMSGHDR_WORDS;
const HEADERS = SEGMENTS + SLOTS * MESSAGE.SEGMENT_SIZE;

/** See the module's description. */
export class SendSlots {
  /** Where they are. */
  readonly memory: Memory;
  readonly #libc: Libc = libc();
  readonly #fd: number;
  readonly #counters: FrameCounters;
  readonly #slotSize: number;
  readonly #start: number;
  /** For each slot a message of one segment, and where the messages are. */
  readonly #words = new Words(HEADERS + 1);
  #count = 0;

  /** Makes room for frames of a size at most, sent by a socket. Throws {@linkcode DemikernelError} `ENOMEM`. */
  constructor(fd: number, size: number, counters: FrameCounters, linear: LinearMemory) {
    this.#fd = fd;
    this.#counters = counters;
    this.#slotSize = (START + size + 15) & ~15;
    this.memory = linear.memory;
    this.#start = linear.reserve(SLOTS * this.#slotSize).byteOffset + START;
    const words = addressOf(new Uint8Array(this.#words.u64.buffer));
    const frames = addressOf(this.memory.u8) + this.#start;
    for (let slot = 0; slot < SLOTS; slot++) {
      const segment = SEGMENTS + slot * MESSAGE.SEGMENT_SIZE;
      const header = slot * MMSGHDR_WORDS;
      this.#words.set(segment, frames + slot * this.#slotSize);
      this.#words.set(header + MESSAGE.VECTOR, words + 8 * segment);
      this.#words.set(header + MESSAGE.VECTOR_LENGTH, 1);
    }
    this.#words.set(HEADERS, words);
  }

  /** Where the next frame is to be written. */
  reserve(): number {
    if (this.#count === SLOTS) this.flush();
    return this.#start + this.#count * this.#slotSize;
  }

  /** That frame is written. */
  commit(length: number): void {
    this.#words.set(SEGMENTS + this.#count * MESSAGE.SEGMENT_SIZE + 1, length);
    this.#counters.countSent(length);
    this.#count++;
  }

  /** Sends what was committed. What the kernel does not take is dropped, as on a wire. */
  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    const { u64 } = this.#words;
    let sent: number;
    if (count === 1) {
      sent = this.#libc.send(this.#fd, u64[SEGMENTS]!, u64[SEGMENTS + 1]!, 0) < 0 ? 0 : 1;
    } else {
      sent = Math.max(0, this.#libc.sendmmsg(this.#fd, u64[HEADERS]!, count, 0));
    }
    this.#counters.sendDrops += count - sent;
  }
}
