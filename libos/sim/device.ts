/**
 * The device of a simulated host.
 *
 * @module
 */

import { type Device, ETHERNET_HEADER, type FrameSink } from "../inetstack/device.ts";
import { Memory } from "../runtime/memory/memory.ts";

/** Where a frame begins, so that the words of its packet are aligned. */
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

  /** Makes a device that gives its frames to a function. */
  constructor(
    name: string,
    mac: Uint8Array,
    mtu: number,
    send: (frame: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.name = name;
    this.mac = mac;
    this.mtu = mtu;
    this.#send = send;
    this.receiveMemory = new Memory(new ArrayBuffer(START + ETHERNET_HEADER + mtu + 4));
    this.sendMemory = new Memory(new ArrayBuffer(START + ETHERNET_HEADER + mtu + 4));
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
      this.receiveMemory.u8.set(frame, START);
      this.counters.received++;
      this.counters.receivedBytes += frame.length;
      sink.frame(START, frame.length, false);
    }
    return frames.length;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    return START;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    if (this.#send === null) {
      this.counters.sendDrops++;
      return;
    }
    this.counters.sent++;
    this.counters.sentBytes += length;
    this.#send(this.sendMemory.u8.slice(START, START + length));
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
