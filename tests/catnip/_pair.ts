/**
 * Two memif devices on one link, without a stack, looked after by hand.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { LinearMemory } from "../../libos/runtime/memory/linear_memory.ts";
import { DESCRIPTOR, RING } from "../../libos/devices/memif/layout.ts";
import type { FrameSink } from "../../libos/inetstack/device.ts";
import { MemifDevice } from "../../libos/devices/memif/memif.ts";
import type { MemifOptions } from "../../libos/devices/memif/options.ts";

let sockets = 0;

/** A test of memif, which is of Linux. */
export function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

/** A name of a socket that nobody has. */
export function freshSocket(): string {
  return `@memif-test-${Deno.pid}-${sockets++}`;
}

/** How many descriptors this process has. */
export function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Keeps what a device received. */
export class Received implements FrameSink {
  /** The frames. */
  readonly frames: Uint8Array[] = [];
  readonly #device: MemifDevice;

  /** For a device. */
  constructor(device: MemifDevice) {
    this.#device = device;
  }

  frame(offset: number, length: number): void {
    this.frames.push(this.#device.receiveMemory.u8.slice(offset, offset + length));
  }
}

/** Opens a device, with an address that does not matter. */
export function openDevice(options: Omit<MemifOptions, "kind">): MemifDevice {
  const linear = new LinearMemory({ room: options.room ?? 64 << 20 });
  return new MemifDevice({ kind: "memif", ...options }, Uint8Array.of(2, 0, 0, 0, 0, 1), linear);
}

/** Sends a frame of a length, filled with a byte; says whether there was room. */
export function send(device: MemifDevice, length: number, fill: number): boolean {
  const at = device.reserve();
  if (at < 0) return false;
  device.sendMemory.u8.fill(fill, at, at + length);
  device.commit(length);
  device.flush();
  return true;
}

/** Takes what a device has. */
export function take(device: MemifDevice): Uint8Array[] {
  const received = new Received(device);
  // Often enough for it to look at its socket.
  for (let i = 0; i < 5000; i++) device.receive(received, 64);
  return received.frames;
}

/** Looks after both ends until their link is up. */
export function settle(server: MemifDevice, client: MemifDevice): void {
  const until = performance.now() + 5000;
  while (server.counters.link !== "up" || client.counters.link !== "up") {
    take(server);
    take(client);
    if (performance.now() > until) {
      throw new Error(`${server.counters.link}, ${client.counters.link}`);
    }
  }
}

/** Both ends of a link. */
export class Pair implements Disposable {
  /** The end that waits. */
  readonly server: MemifDevice;
  /** The end that makes the memory. */
  client: MemifDevice;
  /** Where both meet. */
  readonly socket: string;
  readonly #options: Omit<MemifOptions, "kind">;

  /** Opens both, and waits until the link is up. */
  constructor(options: Partial<MemifOptions> = {}, client: Partial<MemifOptions> = {}) {
    const { kind: _, ...given } = { socket: freshSocket(), ...options, ...client } as MemifOptions;
    this.#options = given;
    this.socket = given.socket;
    this.server = openDevice({ ...given, ...options, role: "server" });
    this.client = openDevice(given);
    this.settle();
  }

  /** The client goes, and another one comes. */
  restartClient(): void {
    this.client.close();
    this.client = openDevice(this.#options);
    this.settle();
  }

  /** Looks after both until the link is up. */
  settle(): void {
    settle(this.server, this.client);
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.server.close();
  }
}

/** A ring, as one finds it in memory who looks for how it begins. */
export class FoundRing {
  readonly #device: MemifDevice;
  /** Where it is. */
  readonly at: number;

  /** The n-th one of a device: the client's first to the server, then to the client. */
  constructor(device: MemifDevice, n: number) {
    this.#device = device;
    const found = [];
    const { i32 } = device.sendMemory;
    for (let i = 0; i < i32.length && found.length <= n; i++) {
      if (i32[i] === RING.MAGIC) found.push(4 * i);
    }
    this.at = found[n]!;
  }

  /** Sets an index. */
  setIndex(offset: number, value: number): void {
    this.#device.sendMemory.u16[(this.at + offset) >> 1] = value;
  }

  /** Reads an index. */
  index(offset: number): number {
    return this.#device.sendMemory.u16[(this.at + offset) >> 1]!;
  }

  /** Sets a field of a slot's descriptor, of 16 or 32 bits. */
  setDescriptor(slot: number, field: keyof typeof DESCRIPTOR, value: number): void {
    const at = this.at + RING.DESCRIPTORS + slot * RING.DESCRIPTOR_SIZE + DESCRIPTOR[field];
    const { u16, i32 } = this.#device.sendMemory;
    if (field === "LENGTH" || field === "OFFSET") i32[at >> 2] = value;
    else u16[at >> 1] = value;
  }
}

/** Lengths of frames at the edges. */
export const LENGTHS: readonly number[] = [14, 60, 61, 62, 63, 64, 1499, 1500, 1514];

/** Frames of these lengths come through whole, in order, in a direction. */
export function checkFrames(from: MemifDevice, to: MemifDevice, lengths: readonly number[]): void {
  for (const [i, length] of lengths.entries()) assert(send(from, length, i + 1), `${length}`);
  const received = take(to);
  assertEquals(received.map(({ length }) => length), lengths);
  for (const [i, frame] of received.entries()) assert(frame.every((byte) => byte === i + 1));
}
