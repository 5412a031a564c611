/**
 * The frames that a memif device receives: handed over where they lie in a ring's buffers, or put together first.
 *
 * @module
 */

import { copy, type Memory } from "../../runtime/memory/memory.ts";
import { DESCRIPTOR } from "./layout.ts";
import type { DirectionOptions } from "./sending.ts";
import type { FrameSink } from "../../inetstack/device.ts";
import type { LinkCounters } from "./counters.ts";
import type { Regions } from "./regions.ts";
import type { Ring } from "./ring.ts";
import { spaceFor, START } from "./peer.ts";

/** So many frames are taken at most before the other end is told. */
const UNTOLD = 16;

/** See the module's description. */
export class Receiving {
  readonly #memory: Memory;
  readonly #regions: Regions;
  readonly #counters: LinkCounters;
  readonly #isServer: boolean;
  readonly #frameSize: number;
  readonly #capacity: number;
  readonly #broken: (reason: string) => void;
  /** Where a frame is put together that came in pieces, or on an odd place. */
  readonly #whole: number;
  #rings: readonly Ring[] = [];
  /** Which ring is looked at first. */
  #first = 0;
  /** Frames that were taken since the other end was told. */
  #untold = 0;

  /** Has no link yet. Throws {@linkcode DemikernelError} `ENOMEM`. */
  constructor(options: DirectionOptions) {
    const { linear, frameSize } = options;
    this.#memory = linear.memory;
    this.#regions = options.regions;
    this.#counters = options.counters;
    this.#isServer = options.isServer;
    this.#frameSize = frameSize;
    this.#capacity = options.capacity;
    this.#broken = options.broken;
    this.#whole = linear.reserve(spaceFor(frameSize)).byteOffset + START;
  }

  /** The link is up: frames come by these rings. */
  connect(rings: readonly Ring[]): void {
    this.#rings = rings;
    this.#untold = 0;
  }

  /** The link is down. */
  disconnect(): void {
    this.#rings = [];
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    const rings = this.#rings;
    // Each time another ring is the first: one that always has something must not starve the others.
    if (++this.#first >= rings.length) this.#first = 0;
    let at = this.#first;
    let count = 0;
    for (let i = 0; i < rings.length && count < budget; i++) {
      const ring = rings[at]!;
      if (++at === rings.length) at = 0;
      const ready = ring.available();
      if (ready === 0) {
        // The other end asks for its slots when it has no more: it may well be told when there is time.
        if (this.#untold > 0) this.#tell();
        continue;
      }
      count += this.#take(ring, ready, sink, budget - count);
      // Whoever lied is gone, and its rings are.
      if (this.#rings !== rings) break;
    }
    return count;
  }

  /** A sleep begins: the other end has to tell of every frame. */
  prepareToPark(): void {
    for (const ring of this.#rings) {
      ring.masked = false;
      // Besides, this takes so long that a frame is seen whose sender saw the flag before.
      ring.eventfd.reset();
      if (ring.look() !== 0) ring.eventfd.signal();
    }
  }

  /** The sleep is over: this end looks by itself. */
  wake(): void {
    for (const ring of this.#rings) ring.masked = true;
  }

  /** Hands over at most so many frames of a ring. */
  #take(ring: Ring, ready: number, sink: FrameSink, budget: number): number {
    let count = 0;
    while (ready > 0 && count < budget) {
      const slots = this.#takeFrame(ring, ready, sink);
      if (slots === 0) break;
      ready -= slots;
      count++;
    }
    if (ready < 0 || (count < budget && ready > 0)) {
      this.#broken("an index or a descriptor out of range");
      return count;
    }
    this.#untold += count;
    if (this.#untold >= UNTOLD) this.#tell();
    return count;
  }

  /** Tells the other end which slots are done with. */
  #tell(): void {
    this.#untold = 0;
    for (const ring of this.#rings) ring.publish();
  }

  /** Hands over the next frame of a ring. Says how many slots it had: 0 if its descriptors are not right. */
  #takeFrame(ring: Ring, ready: number, sink: FrameSink): number {
    const { i32 } = this.#memory;
    const word = ring.descriptor(0) >> 2;
    const head = i32[word]!;
    const length = i32[word + (DESCRIPTOR.LENGTH >> 2)]! >>> 0;
    const offset = i32[word + (DESCRIPTOR.OFFSET >> 2)]! >>> 0;
    const at = this.#regions.locate(head >>> 16, offset, length);
    if (at < 0) return 0;
    if ((head & DESCRIPTOR.NEXT) !== 0 || (at & 3) !== 2) {
      return this.#takePieces(ring, ready, sink);
    }
    if (length <= this.#frameSize) {
      this.#counters.countReceived(length);
      sink.frame(at, length, false);
    } else this.#counters.receiveDrops++;
    this.#giveBack(ring);
    return 1;
  }

  /** As {@linkcode Receiving.#takeFrame}, of a frame that has to be copied. */
  #takePieces(ring: Ring, ready: number, sink: FrameSink): number {
    const { i32 } = this.#memory;
    let size = 0;
    let slots = 0;
    for (let head: number = DESCRIPTOR.NEXT; (head & DESCRIPTOR.NEXT) !== 0; slots++) {
      if (slots === ready) return 0;
      const word = ring.descriptor(slots) >> 2;
      head = i32[word]!;
      const length = i32[word + (DESCRIPTOR.LENGTH >> 2)]! >>> 0;
      const offset = i32[word + (DESCRIPTOR.OFFSET >> 2)]! >>> 0;
      const at = this.#regions.locate(head >>> 16, offset, length);
      if (at < 0) return 0;
      const piece = Math.min(length, this.#frameSize - size);
      if (piece > 0) copy(this.#memory, at, this.#memory, this.#whole + size, piece);
      // What is too long stays so.
      size += length;
    }
    if (size <= this.#frameSize) {
      this.#counters.countReceived(size);
      sink.frame(this.#whole, size, false);
    } else this.#counters.receiveDrops++;
    for (let i = 0; i < slots; i++) this.#giveBack(ring);
    return slots;
  }

  /** The next slot is done. A client's is an empty buffer again. */
  #giveBack(ring: Ring): void {
    if (!this.#isServer) {
      const descriptor = ring.descriptor(0);
      this.#memory.u16[(descriptor + DESCRIPTOR.FLAGS) >> 1] = 0;
      this.#memory.i32[(descriptor + DESCRIPTOR.LENGTH) >> 2] = this.#capacity;
    }
    ring.advance(1);
  }
}
