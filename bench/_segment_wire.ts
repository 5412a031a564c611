/**
 * Two hosts of our stack on a wire that is memory: what one sends lies where the other receives it, beside their buffers.
 *
 * @module
 */

import { BufferHeap } from "../libos/runtime/memory/heap.ts";
import type { Connection, ConnectionUser } from "../libos/inetstack/tcp/connection.ts";
import type { Device, FrameSink } from "../libos/inetstack/device.ts";
import type { HeapSga } from "../libos/runtime/memory/sga.ts";
import { IpAddress } from "../libos/inetstack/ip_address.ts";
import { Listener } from "../libos/inetstack/tcp/listener.ts";
import { LinearMemory } from "../libos/runtime/memory/linear_memory.ts";
import type { Memory } from "../libos/runtime/memory/memory.ts";
import { SeededRandom } from "../libos/inetstack/random.ts";
import { Stack } from "../libos/inetstack/stack.ts";

const SLOTS = 16;
const SLOT = 2048;
const START = 2;

/** One direction: a ring of frames. */
class Ring {
  readonly memory: Memory;
  readonly start: number;
  readonly lengths = new Int32Array(SLOTS);
  head = 0;
  tail = 0;

  constructor(linear: LinearMemory) {
    this.memory = linear.memory;
    this.start = linear.reserve(SLOTS * SLOT).byteOffset + START;
  }
}

/** One end of the wire. */
class WireDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu = 1500;
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
  /** Of so many frames that are sent, one is lost; 0 for none. */
  loss = 0;
  readonly #in: Ring;
  readonly #out: Ring;

  constructor(number: number, incoming: Ring, outgoing: Ring) {
    this.name = `wire${number}`;
    this.mac = Uint8Array.of(2, 0, 0, 0, 0, number);
    this.#in = incoming;
    this.#out = outgoing;
    this.receiveMemory = incoming.memory;
    this.sendMemory = outgoing.memory;
  }

  receive(sink: FrameSink, budget: number): number {
    const ring = this.#in;
    const end = Math.min(ring.tail, ring.head + budget);
    let count = 0;
    for (; ring.head < end; count++) {
      const slot = ring.head & (SLOTS - 1);
      sink.frame(ring.start + slot * SLOT, ring.lengths[slot]!, false);
      ring.head++;
    }
    return count;
  }

  reserve(): number {
    const ring = this.#out;
    if (ring.tail - ring.head === SLOTS) return -1;
    return ring.start + (ring.tail & (SLOTS - 1)) * SLOT;
  }

  commit(length: number): void {
    const ring = this.#out;
    this.counters.sent++;
    if (this.loss > 0 && this.counters.sent % this.loss === 0) return;
    ring.lengths[ring.tail & (SLOTS - 1)] = length;
    ring.tail++;
  }

  flush(): void {}

  prepareToPark(): void {}

  close(): void {}
}

/** Who is told nothing. */
export const NOBODY: ConnectionUser = {
  connected() {},
  readable() {},
  writable() {},
  failed() {},
};

/** One host. */
export interface WireHost {
  readonly stack: Stack;
  readonly heap: BufferHeap;
  readonly device: WireDevice;
}

/** See the module's description. */
export class Wire {
  readonly a: WireHost;
  readonly b: WireHost;
  /** Its time, in milliseconds; whole ones, since V8 would make an object of every other number that is passed on. */
  now = 0;
  /** Messages that went by {@linkcode Wire.bounce}, each of which takes a microsecond. */
  #bounces = 0;

  /** Makes both hosts, which know each other. */
  constructor() {
    const linear = new LinearMemory();
    const [there, back] = [new Ring(linear), new Ring(linear)];
    const make = (number: number, incoming: Ring, outgoing: Ring): WireHost => {
      const device = new WireDevice(number, incoming, outgoing);
      const heap = new BufferHeap({ linear });
      const stack = new Stack(device, {
        addresses: [`10.0.0.${number}/8`],
        neighbours: { [`10.0.0.${3 - number}`]: `02:00:00:00:00:0${3 - number}` },
        random: new SeededRandom(number),
        heap,
      });
      return { stack, heap, device };
    };
    this.a = make(1, back, there);
    this.b = make(2, there, back);
  }

  /** A turn of both. */
  turn(): void {
    this.now++;
    this.a.stack.poll(this.now);
    this.b.stack.poll(this.now);
  }

  /** Makes so many connections, each with both of its ends. */
  connect(count: number): [Connection, Connection][] {
    const address = IpAddress.parse("10.0.0.2")!;
    const limits = { receiveLimit: 131_072, sendLimit: 262_144 };
    const pairs: [Connection, Connection][] = [];
    const listener = new Listener(address, 80, 16, 131_072, 262_144);
    this.b.stack.tcp.listen(listener);
    for (let i = 0; i < count; i++) {
      const made = this.a.stack.tcp.connect(null, 0, address, 80, NOBODY, limits);
      if (typeof made === "number") throw new Error(`connect failed with ${made}`);
      let other = listener.accept();
      for (; other === null; other = listener.accept()) this.turn();
      other.user = NOBODY;
      pairs.push([made, other]);
    }
    return pairs;
  }

  /**
   * Sends an sga from one end to the other, and gives what is taken there: it was sent in one segment, which acknowledges
   * what came before.
   */
  bounce(
    from: WireHost,
    connection: Connection,
    to: WireHost,
    peer: Connection,
    sga: HeapSga,
  ): HeapSga {
    sga.move();
    from.stack.tcp.push(connection, sga);
    if (++this.#bounces % 1000 === 0) this.now++;
    to.stack.poll(this.now);
    return to.stack.tcp.take(peer, 0)!;
  }
}
