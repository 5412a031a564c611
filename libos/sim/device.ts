/**
 * The device of a simulated host.
 *
 * @module
 */

import { type Device, ETHERNET_HEADER, type FrameSink } from "../inetstack/device.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import type { Memory } from "../runtime/memory/memory.ts";

/** Where a frame begins in its place, so that the words of its packet are aligned. */
const START = 2;
/** Frames that wait for the host at most, as in the ring of a network card. */
const RING = 1024;

/** See the module's description. */
export class SimulatedDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly fd = -1;
  readonly counters = {
    received: 0,
    receivedBytes: 0,
    receiveDrops: 0,
    sent: 0,
    sentBytes: 0,
    sendDrops: 0,
  };
  #send: ((frame: Uint8Array<ArrayBuffer>) => void) | null;
  readonly #incoming: Uint8Array<ArrayBuffer>[] = [];

  readonly #receiveAt: number;
  readonly #sendAt: number;

  /** Makes a device, whose frames are in a linear memory, and that gives them to a function. */
  constructor(
    name: string,
    mac: Uint8Array,
    mtu: number,
    linear: LinearMemory,
    send: (frame: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.name = name;
    this.mac = mac;
    this.mtu = mtu;
    this.#send = send;
    this.receiveMemory = this.sendMemory = linear.memory;
    const room = START + ETHERNET_HEADER + mtu;
    this.#receiveAt = linear.reserve(room).byteOffset + START;
    this.#sendAt = linear.reserve(room).byteOffset + START;
  }

  /** A frame arrived. */
  arrive(frame: Uint8Array<ArrayBuffer>): void {
    if (
      this.#send === null || frame.length > ETHERNET_HEADER + this.mtu ||
      this.#incoming.length >= RING
    ) {
      this.counters.receiveDrops++;
      return;
    }
    this.#incoming.push(frame);
  }

  /** Whether frames wait. */
  get hasFrames(): boolean {
    return this.#incoming.length > 0;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    const frames = this.#incoming.splice(0, budget);
    for (const frame of frames) {
      this.receiveMemory.u8.set(frame, this.#receiveAt);
      this.counters.received++;
      this.counters.receivedBytes += frame.length;
      sink.frame(this.#receiveAt, frame.length, false);
    }
    return frames.length;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    return this.#sendAt;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    if (this.#send === null) {
      this.counters.sendDrops++;
      return;
    }
    this.counters.sent++;
    this.counters.sentBytes += length;
    this.#send(this.sendMemory.u8.slice(this.#sendAt, this.#sendAt + length));
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {}

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {}

  /** See {@linkcode Device.close}: nothing passes any more. */
  close(): void {
    this.#send = null;
    this.#incoming.length = 0;
  }
}
