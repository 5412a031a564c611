/**
 * The frames that a memif device sends: written where they lie in the ring's buffers, or aside, and copied into as many as
 * they need. While the link is down the last few are kept.
 *
 * @module
 */

import { copy, type Memory } from "../../runtime/memory/memory.ts";
import { DESCRIPTOR } from "./layout.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import type { LinkCounters } from "./counters.ts";
import type { Regions } from "./regions.ts";
import type { Ring } from "./ring.ts";
import { spaceFor, START } from "./peer.ts";
import { Waiting } from "./waiting.ts";

/** A ring that was full so often in a row is not emptied any more: frames are lost then, as on a wire. */
const STALLED = 1024;

/** What both directions of a link share. */
export interface DirectionOptions {
  /** Where they have a place for frames aside, and regions lie. */
  readonly linear: LinearMemory;
  /** The link's memory. */
  readonly regions: Regions;
  /** What is counted. */
  readonly counters: LinkCounters;
  /** Whether this end is the server. */
  readonly isServer: boolean;
  /** The largest frame. */
  readonly frameSize: number;
  /** How much fits in a buffer of this end's making, if it is the client. */
  readonly capacity: number;
  /** Ends the link, whose other end broke the rules. */
  broken(reason: string): void;
}

/** See the module's description. */
export class Sending {
  readonly #memory: Memory;
  readonly #regions: Regions;
  readonly #counters: LinkCounters;
  readonly #isServer: boolean;
  readonly #frameSize: number;
  readonly #capacity: number;
  readonly #broken: (reason: string) => void;
  readonly #waiting: Waiting;
  /** Where a frame is written that has no buffer to itself. */
  readonly #spare: number;
  #ring: Ring | null = null;
  /** Slots that are known to be free. */
  #free = 0;
  /** How much fits in the buffer that was looked at last. */
  #room = 0;
  #reserved = -1;
  #isUnpublished = false;
  #stalled = 0;

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
    const size = spaceFor(frameSize);
    this.#spare = linear.reserve(size + Waiting.bytes(size)).byteOffset + START;
    this.#waiting = new Waiting(this.#memory, this.#spare + size, size);
  }

  /** Whether the link is up. */
  get isUp(): boolean {
    return this.#ring !== null;
  }

  /** The link is up: frames go by this ring, and first those that wait. */
  connect(ring: Ring): void {
    this.#ring = ring;
    // What was reserved meanwhile is aside.
    this.#reserved = -1;
    this.catchUp();
    // A server that sleeps already, and has frames that wait, does not see otherwise that it may send them now.
    this.#isUnpublished = true;
    this.flush();
  }

  /** The link is down. */
  disconnect(): void {
    this.#ring = null;
    this.#free = 0;
    this.#reserved = -1;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    if (this.#reserved < 0) this.#reserved = this.#findRoom();
    return this.#reserved;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    const at = this.#reserved;
    this.#reserved = -1;
    this.#counters.countSent(length);
    if (at === this.#spare) return this.#sendSpare(length);
    const ring = this.#ring!;
    const descriptor = ring.descriptor(0);
    this.#memory.u16[(descriptor + DESCRIPTOR.FLAGS) >> 1] = 0;
    this.#memory.i32[(descriptor + DESCRIPTOR.LENGTH) >> 2] = length;
    ring.advance(1);
    this.#free--;
    this.#isUnpublished = true;
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {
    if (!this.#isUnpublished) return;
    this.#isUnpublished = false;
    const ring = this.#ring;
    if (ring === null) return;
    ring.publish();
    if (!ring.masked) ring.eventfd.signal();
  }

  /**
   * Sends frames that wait, if the link is up: a server has room only when its client heard that it is, which comes
   * later. Says whether none wait any more.
   */
  catchUp(): boolean {
    const ring = this.#ring;
    if (ring === null) return false;
    if (this.#waiting.count > 0) {
      this.#look(ring);
      this.flush();
    }
    return this.#waiting.count === 0;
  }

  /** Where the next frame can be written: in the ring, or aside; -1 if the ring is full. */
  #findRoom(): number {
    const ring = this.#ring;
    if (ring === null) return this.#spare;
    if (this.#free === 0 && !this.#look(ring)) return this.#noRoom();
    const at = this.#place(ring, 0);
    if (at < 0) return this.#spare;
    const room = this.#room;
    if (room >= this.#frameSize && (at & 3) === 2) {
      this.#stalled = 0;
      return at;
    }
    // All slots of a frame are there, or none is used.
    const needed = Math.ceil(this.#frameSize / Math.max(1, room));
    const isEnough = this.#free >= needed || (this.#look(ring) && this.#free >= needed);
    if (!isEnough && needed <= ring.slots) return this.#noRoom();
    this.#stalled = 0;
    return this.#spare;
  }

  /** Where the buffer of the slot is that comes `ahead` after the next one; ends the link, and gives -1, if it is nowhere. */
  #place(ring: Ring, ahead: number): number {
    const { u16, i32 } = this.#memory;
    const descriptor = ring.descriptor(ahead);
    const room = this.#isServer
      ? i32[(descriptor + DESCRIPTOR.LENGTH) >> 2]! >>> 0
      : this.#capacity;
    const region = u16[(descriptor + DESCRIPTOR.REGION) >> 1]!;
    const offset = i32[(descriptor + DESCRIPTOR.OFFSET) >> 2]! >>> 0;
    const at = this.#regions.locate(region, offset, room);
    if (at < 0) this.#broken("a buffer out of range");
    else this.#room = room;
    return at;
  }

  /** Asks how many slots are free, and lets frames that wait have them first; says whether there are any. */
  #look(ring: Ring): boolean {
    this.flush();
    const free = ring.look();
    if (free < 0) this.#broken("an index out of range");
    this.#free = Math.max(0, free);
    if (this.#waiting.count > 0) this.#sendWaiting(ring);
    return this.#free > 0;
  }

  /** The ring is full: for now, or for long, or gone. */
  #noRoom(): number {
    if (this.#ring === null) return this.#spare;
    this.#counters.fullRings++;
    return this.#stalled++ < STALLED ? -1 : this.#spare;
  }

  /** Sends frames that wait since the link was down, as long as there is room. Until all are sent no others are. */
  #sendWaiting(ring: Ring): void {
    const waiting = this.#waiting;
    while (waiting.count > 0) {
      if (!this.#scatter(ring, waiting.at, waiting.length)) {
        if (this.#free < ring.slots) {
          this.#free = 0;
          return;
        }
        // It is longer than the ring.
        this.#counters.sendDrops++;
      }
      waiting.shift();
    }
  }

  /** Sends the frame that was written aside. */
  #sendSpare(length: number): void {
    if (this.#ring === null) {
      this.#counters.sendDrops += this.#waiting.add(this.#spare, length);
    } else if (!this.#scatter(this.#ring, this.#spare, length)) this.#counters.sendDrops++;
  }

  /** Copies a frame into as many slots as it needs. */
  #scatter(ring: Ring, from: number, length: number): boolean {
    const { u16, i32 } = this.#memory;
    let slots = 0;
    for (let done = 0; done < length; slots++) {
      if (slots >= this.#free) return false;
      const at = this.#place(ring, slots);
      if (at < 0) return false;
      const piece = Math.min(this.#room, length - done);
      copy(this.#memory, from + done, this.#memory, at, piece);
      done += piece;
      const descriptor = ring.descriptor(slots);
      u16[(descriptor + DESCRIPTOR.FLAGS) >> 1] = done < length ? DESCRIPTOR.NEXT : 0;
      i32[(descriptor + DESCRIPTOR.LENGTH) >> 2] = piece;
    }
    ring.advance(slots);
    this.#free -= slots;
    this.#isUnpublished = true;
    return true;
  }
}
