/**
 * Devices for tests: a cable between two of them, whose frames move when the test says so.
 *
 * @module
 */

import { type Device, ETHERNET_HEADER, type FrameSink } from "../../libos/inetstack/device.ts";
import { Memory } from "../../libos/runtime/memory/memory.ts";

/** A device whose frames out are kept, and whose frames in are given by hand. */
export class ManualDevice implements Device {
  readonly name = "test0";
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned: boolean;
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
  /** What was sent and not fetched yet. */
  sent: Uint8Array<ArrayBuffer>[] = [];
  /** What is to be received. */
  readonly incoming: Uint8Array<ArrayBuffer>[] = [];
  /** How many frames fit that were not flushed. */
  room = Infinity;
  /** How often it was kicked. */
  kicks = 0;
  readonly #start: number;
  #committed = 0;

  constructor(number: number, options: { mtu?: number; aligned?: boolean } = {}) {
    this.mac = Uint8Array.of(2, 0, 0, 0, 0, number);
    this.mtu = options.mtu ?? 1500;
    this.aligned = options.aligned ?? true;
    this.#start = this.aligned ? 2 : 1;
    const size = this.mtu + ETHERNET_HEADER + 8;
    this.receiveMemory = new Memory(new ArrayBuffer(size));
    this.sendMemory = new Memory(new ArrayBuffer(size));
  }

  receive(sink: FrameSink, budget: number): number {
    let count = 0;
    for (; count < budget && this.incoming.length > 0; count++) {
      const frame = this.incoming.shift()!;
      this.receiveMemory.u8.set(frame, this.#start);
      sink.frame(this.#start, frame.length, false);
    }
    return count;
  }

  reserve(): number {
    return this.#committed < this.room ? this.#start : -1;
  }

  commit(length: number): void {
    this.#committed++;
    this.sent.push(this.sendMemory.u8.slice(this.#start, this.#start + length));
  }

  flush(): void {
    this.kicks++;
    this.#committed = 0;
  }

  prepareToPark(): void {}

  close(): void {}

  /** Fetches what was sent. */
  take(): Uint8Array<ArrayBuffer>[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }
}
