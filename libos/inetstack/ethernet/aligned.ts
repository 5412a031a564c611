/**
 * A device whose frames begin where they like, behind one whose frames begin at 2 mod 4: each is copied once.
 *
 * @module
 */

import { type Device, type DeviceCounters, ETHERNET_HEADER, type FrameSink } from "../device.ts";
import { copy, type Memory } from "../../runtime/memory/memory.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";

/** Where the copy of a frame begins in its place. */
const START = 2;

/** A device as it is if its frames are aligned, or behind one that copies them. */
export function aligned(device: Device, linear: LinearMemory): Device {
  return device.aligned ? device : new AlignedDevice(device, linear);
}

class AlignedDevice implements Device, FrameSink {
  readonly aligned = true;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly #device: Device;
  readonly #size: number;
  readonly #receiveAt: number;
  readonly #sendAt: number;
  #sink: FrameSink | null = null;

  constructor(device: Device, linear: LinearMemory) {
    this.#device = device;
    this.#size = device.mtu + ETHERNET_HEADER;
    this.receiveMemory = this.sendMemory = linear.memory;
    this.#receiveAt = linear.reserve(START + this.#size).byteOffset + START;
    this.#sendAt = linear.reserve(START + this.#size).byteOffset + START;
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
    copy(this.#device.receiveMemory, offset, this.receiveMemory, this.#receiveAt, size);
    this.#sink!.frame(this.#receiveAt, size, verified);
  }

  reserve(): number {
    return this.#device.reserve() < 0 ? -1 : this.#sendAt;
  }

  commit(length: number): void {
    copy(this.sendMemory, this.#sendAt, this.#device.sendMemory, this.#device.reserve(), length);
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
