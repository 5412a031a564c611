/**
 * Memory in chunks of one size: regions, which are pages of a linear memory, and the size classes that cut them. A region
 * that is wholly free goes back to the system, but for a few spare ones.
 *
 * @module
 */

import { Chunk } from "./chunk.ts";
import { type LinearMemory, PAGE } from "./linear_memory.ts";
import type { Memory } from "./memory.ts";

const REGION = PAGE;
/**
 * So many bytes of wholly free regions each class keeps, and one region at least: a server whose need goes up and
 * down with every turn would make and drop regions otherwise, which costs microseconds.
 */
const SPARE = 8 * REGION;

/** The place of a region that is not among those of its class that have room. */
const FULL = -1;

/** Memory that is cut into chunks of one size class. */
export class Region {
  readonly sizeClass: SizeClass;
  /** The last one freed is the first one taken: it is still in the cache. */
  readonly free: Chunk[] = [];
  /** Chunks that are held. */
  used = 0;
  /** Its place among the regions of its class that have room. */
  position = FULL;
  /** What it is cut from. */
  readonly memory: Memory;
  readonly #linear: LinearMemory;
  readonly #start: number;
  #cut: number;

  constructor(sizeClass: SizeClass, linear: LinearMemory, start: number) {
    this.sizeClass = sizeClass;
    this.memory = linear.memory;
    this.#linear = linear;
    this.#start = this.#cut = start;
  }

  /** Cuts a chunk that was never used. */
  cut(): Chunk {
    const { size } = this.sizeClass;
    const offset = this.#cut;
    this.#cut += size;
    const bytes = this.memory.u8.subarray(offset, offset + size);
    return new Chunk(bytes, this.#linear.address + offset, this);
  }

  /** Gives its memory back. */
  drop(): void {
    const { size, capacity } = this.sizeClass;
    this.#linear.give(this.#start, size * capacity);
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
  readonly #linearFor: (length: number) => [linear: LinearMemory, start: number];
  /** The regions that have room. */
  readonly #roomy: Region[] = [];
  /** How many regions are wholly free, and how many may be. */
  #spares = 0;
  readonly #mostSpares: number;

  /** Makes one without regions; a function takes memory for one. */
  constructor(size: number, linearFor: (length: number) => [LinearMemory, number]) {
    this.size = size;
    this.capacity = Math.max(REGION, size) / size;
    this.#mostSpares = Math.max(1, SPARE / (this.capacity * size));
    this.#linearFor = linearFor;
  }

  take(): Chunk {
    const region = this.#roomy[this.#roomy.length - 1] ?? this.#makeRegion();
    const chunk = region.free.pop() ?? region.cut();
    if (region.used === 0) this.#spares--;
    this.used++;
    if (++region.used === this.capacity) this.#removeRoomy(region);
    return chunk;
  }

  put(chunk: Chunk): void {
    const region = chunk.region!;
    region.free.push(chunk);
    this.used--;
    region.used--;
    if (region.position === FULL) this.#addRoomy(region);
    if (region.used > 0) return;
    if (this.#spares < this.#mostSpares) {
      this.#spares++;
    } else {
      this.#removeRoomy(region);
      this.regions--;
      region.drop();
    }
  }

  #makeRegion(): Region {
    const region = new Region(this, ...this.#linearFor(this.capacity * this.size));
    this.regions++;
    this.#spares++;
    this.#addRoomy(region);
    return region;
  }

  #addRoomy(region: Region): void {
    region.position = this.#roomy.push(region) - 1;
  }

  #removeRoomy(region: Region): void {
    const last = this.#roomy.pop()!;
    if (last !== region) {
      this.#roomy[region.position] = last;
      last.position = region.position;
    }
    region.position = FULL;
  }
}
