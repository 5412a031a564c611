/**
 * Memory in chunks of one size: regions, each a JavaScript `ArrayBuffer`, whose memory never moves, and the size
 * classes that cut them. A region that is wholly free goes back to the system, but for a few spare ones.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import { Chunk } from "./chunk.ts";
import { Memory } from "./memory.ts";

const REGION = 64 * 1024;
/**
 * So many bytes of wholly free regions each class keeps, and one region at least: a server whose need goes up and
 * down with every turn would make and drop regions otherwise, which costs microseconds.
 */
const SPARE = 8 * REGION;

/** The places of regions that are not among those of their class that have room. */
const FULL = -1;
const DROPPED = -2;

/** Memory that is cut into chunks of one size class. */
export class Region {
  readonly sizeClass: SizeClass;
  /** The last one freed is the first one taken: it is still in the cache. */
  readonly free: Chunk[] = [];
  /** Chunks that are held. */
  used = 0;
  /** Its place among the regions of its class that have room, or why it has none. */
  position = FULL;
  /** What it is cut from. */
  readonly memory: Memory;
  readonly #address: number;
  #cut = 0;

  constructor(sizeClass: SizeClass, memory: ArrayBuffer, address: number) {
    this.sizeClass = sizeClass;
    this.memory = new Memory(memory);
    this.#address = address;
  }

  /** Cuts a chunk that was never used; null if the memory was transferred away. */
  cut(): Chunk | null {
    const { buffer } = this.memory.u8;
    if (buffer.detached) return null;
    const { size } = this.sizeClass;
    const offset = this.#cut;
    this.#cut += size;
    return new Chunk(new Uint8Array(buffer, offset, size), this.#address + offset, this);
  }
}

/** All chunks of one size. */
export class SizeClass {
  readonly size: number;
  /** Chunks of one region. */
  readonly capacity: number;
  /** Chunks that are held. */
  used = 0;
  /** Regions, full or not. */
  regions = 0;
  readonly #addressOf: (bytes: Uint8Array<ArrayBuffer>) => number;
  /** The regions that have room. */
  readonly #roomy: Region[] = [];
  /** How many regions are wholly free, and how many may be. */
  #spares = 0;
  readonly #mostSpares: number;

  constructor(size: number, addressOf: (bytes: Uint8Array<ArrayBuffer>) => number) {
    this.size = size;
    this.capacity = Math.max(REGION, size) / size;
    this.#mostSpares = Math.max(1, SPARE / (this.capacity * size));
    this.#addressOf = addressOf;
  }

  take(): Chunk {
    const region = this.#roomy[this.#roomy.length - 1] ?? this.#makeRegion();
    const chunk = region.free.pop() ?? region.cut();
    if (region.used === 0) this.#spares--;
    if (chunk === null || chunk.bytes.length === 0) {
      // The memory was transferred away: the device must not write to it any more.
      this.#removeRoomy(region, DROPPED);
      this.regions--;
      return this.take();
    }
    this.used++;
    if (++region.used === this.capacity) this.#removeRoomy(region, FULL);
    return chunk;
  }

  put(chunk: Chunk): void {
    const region = chunk.region!;
    region.free.push(chunk);
    this.used--;
    region.used--;
    if (region.position === DROPPED) return;
    if (region.position === FULL) this.#addRoomy(region);
    if (region.used > 0) return;
    if (this.#spares < this.#mostSpares) {
      this.#spares++;
    } else {
      this.#removeRoomy(region, DROPPED);
      this.regions--;
    }
  }

  #makeRegion(): Region {
    const memory = makeMemory(this.capacity * this.size);
    const region = new Region(this, memory, this.#addressOf(new Uint8Array(memory)));
    this.regions++;
    this.#spares++;
    this.#addRoomy(region);
    return region;
  }

  #addRoomy(region: Region): void {
    region.position = this.#roomy.push(region) - 1;
  }

  #removeRoomy(region: Region, position: number): void {
    const last = this.#roomy.pop()!;
    if (last !== region) {
      this.#roomy[region.position] = last;
      last.position = region.position;
    }
    region.position = position;
  }
}

/** Takes memory from the system. Throws {@linkcode DemikernelError} `ENOMEM` if it has none. */
export function makeMemory(size: number): ArrayBuffer {
  try {
    return new ArrayBuffer(size);
  } catch (cause) {
    throw new DemikernelError("ENOMEM", "alloc", {
      detail: `no memory for a buffer of ${size} bytes`,
      cause,
    });
  }
}
