/**
 * The way of a host to itself: a device whose frames come back. Nothing is lost on it, so its checksums are not made.
 *
 * @module
 */

import type { Device, FrameSink } from "../device.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import type { Memory } from "../../runtime/memory/memory.ts";

/** Frames under way at most; then there is no room until the host received some. */
const FRAMES = 256;
const FRAME_SIZE = 2048;
/** Where a frame begins in its place, so that the words of its packet are aligned. */
const START = 2;

/** See the module's description. */
export class LoopbackDevice implements Device {
  readonly name = "lo";
  readonly mac: Uint8Array = new Uint8Array(6);
  readonly mtu = 1500;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = true;
  readonly fd = -1;
  readonly counters = {
    received: 0,
    receivedBytes: 0,
    receiveDrops: 0,
    sent: 0,
    sentBytes: 0,
    sendDrops: 0,
  };
  readonly #lengths = new Uint16Array(FRAMES);
  #head = 0;
  #count = 0;

  readonly #start: number;

  /** Makes an empty one, whose frames are in a linear memory. */
  constructor(linear: LinearMemory) {
    this.receiveMemory = this.sendMemory = linear.memory;
    this.#start = linear.reserve(FRAMES * FRAME_SIZE).byteOffset + START;
  }

  /** How many frames are under way. */
  get pending(): number {
    return this.#count;
  }

  /** See {@linkcode Device.receive}. What is sent meanwhile comes next time. */
  receive(sink: FrameSink, budget: number): number {
    const count = Math.min(this.#count, budget);
    for (let i = 0; i < count; i++) {
      const length = this.#lengths[this.#head]!;
      this.counters.received++;
      this.counters.receivedBytes += length;
      sink.frame(this.#start + this.#head * FRAME_SIZE, length, true);
      this.#head = (this.#head + 1) % FRAMES;
      this.#count--;
    }
    return count;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    if (this.#count === FRAMES) return -1;
    return this.#start + this.#tail * FRAME_SIZE;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    this.#lengths[this.#tail] = length;
    this.#count++;
    this.counters.sent++;
    this.counters.sentBytes += length;
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {}

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {}

  /** See {@linkcode Device.close}. */
  close(): void {}

  get #tail(): number {
    return (this.#head + this.#count) % FRAMES;
  }
}
