/**
 * A device whose frames begin where they like, behind one whose frames begin at 2 mod 4: each is copied once.
 *
 * @module
 */

import { type Device, type DeviceCounters, ETHERNET_HEADER, type FrameSink } from "../device.ts";
import { copy, Memory } from "../../runtime/memory/memory.ts";

/** Where the copy of a frame begins. */
const START = 2;

/** A device as it is if its frames are aligned, or behind one that copies them. */
export function aligned(device: Device): Device {
  return device.aligned ? device : new AlignedDevice(device);
}

class AlignedDevice implements Device, FrameSink {
  readonly aligned = true;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly #device: Device;
  readonly #size: number;
  #sink: FrameSink | null = null;

  constructor(device: Device) {
    this.#device = device;
    this.#size = device.mtu + ETHERNET_HEADER;
    this.receiveMemory = new Memory(new ArrayBuffer(START + this.#size + 4));
    this.sendMemory = new Memory(new ArrayBuffer(START + this.#size + 4));
  }

  get name(): string {
    return this.#device.name;
  }

  get mac(): Uint8Array {
    return this.#device.mac;
  }

  get mtu(): number {
    return this.#device.mtu;
  }

  get fillsChecksums(): boolean {
    return this.#device.fillsChecksums;
  }

  get fd(): number {
    return this.#device.fd;
  }

  get counters(): DeviceCounters {
    return this.#device.counters;
  }

  receive(sink: FrameSink, budget: number): number {
    this.#sink = sink;
    return this.#device.receive(this, budget);
  }

  frame(offset: number, length: number, verified: boolean): void {
    const size = Math.min(length, this.#size);
    copy(this.#device.receiveMemory, offset, this.receiveMemory, START, size);
    this.#sink!.frame(START, size, verified);
  }

  reserve(): number {
    return this.#device.reserve() < 0 ? -1 : START;
  }

  commit(length: number): void {
    copy(this.sendMemory, START, this.#device.sendMemory, this.#device.reserve(), length);
    this.#device.commit(length);
  }

  flush(): void {
    this.#device.flush();
  }

  prepareToPark(): void {
    this.#device.prepareToPark();
  }

  close(): void {
    this.#device.close();
  }
}
