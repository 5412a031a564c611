/**
 * memif: a shared-memory network device, spoken natively. The other end is DPDK, VPP, or another libOS.
 *
 * Frames lie in memory that both ends have mapped, and rings of descriptors say where. To look for a frame is to look at
 * that memory, and so is to send one: while both ends are busy, neither makes a system call. Who sleeps clears a flag in
 * its ring, and is woken by an eventfd.
 *
 * The other end may come and go, and it may lie. What it writes is checked before it is used, and whoever breaks the
 * rules is disconnected; `counters.link` tells why.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc/memory.ts";
import { type CheckedMemif, checkMemif, type MemifOptions } from "./options.ts";
import { Client } from "./client.ts";
import { type Link, type LinkOptions, type Peer, START } from "./peer.ts";
import { Server } from "./server.ts";
import { ClientMeeting, type Meeting, ServerMeeting } from "./socket.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import { copy, type Memory } from "../../runtime/memory/memory.ts";
import { DESCRIPTOR } from "./layout.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../../inetstack/device.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { LibcError } from "../../../ffi/libc/call.ts";
import { LinkCounters } from "./counters.ts";
import { LinkError, Regions } from "./regions.ts";
import { Mapping, wholePages } from "../../../ffi/libc/map.ts";
import { opening, readMac } from "../interface.ts";
import type { Ring } from "./ring.ts";
import { Waiting } from "./waiting.ts";
import { Watch } from "../watch.ts";
import { Words } from "../../../ffi/libc/words.ts";

/** How many looks for frames there are between two at the socket; and while the link is down, or frames wait for it. */
const LOOKS = 4096;
const LOOKS_WHILE_DOWN = 16;
/** So many frames are taken at most before the other end is told. */
const UNTOLD = 16;
/** A ring that was full so often in a row is not emptied any more: frames are lost then, as on a wire. */
const STALLED = 1024;

/** Places in {@linkcode Words}: what is written to an eventfd, read from it, and how long either is. */
const ONE = 0;
const COUNT = 1;
const SIZE = 2;

/** See the module's description. */
export class MemifDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly counters: LinkCounters = new LinkCounters();
  readonly #libc: Libc = libc();
  readonly #isServer: boolean;
  readonly #options: LinkOptions;
  readonly #memory: Memory;
  readonly #regions: Regions;
  readonly #watch: Watch;
  readonly #meeting: Meeting;
  readonly #words = new Words(3);
  readonly #count = new BigUint64Array(2);
  readonly #waiting: Waiting;
  /** The largest frame. */
  readonly #frameSize: number;
  /** Where a frame is put together that came in pieces, or on an odd place; and one that is to be sent so. */
  readonly #whole: number;
  readonly #spare: number;
  #peer: Peer | null = null;
  #sending: Ring | null = null;
  #receiving: readonly Ring[] = [];
  #looks = 0;
  #isParked = false;
  /** Which ring is looked at first. */
  #first = 0;
  /** Frames that were taken since the other end was told. */
  #untold = 0;
  /** Slots that are known to be free. */
  #free = 0;
  #reserved = -1;
  #isUnpublished = false;
  #stalled = 0;

  /**
   * Opens one; the link comes up when the other end is there. `mac` is the address if the options have none. Throws
   * {@linkcode DemikernelError}: `EINVAL` for an option, `EADDRINUSE`, `EACCES` or `ENOENT` for a server's socket.
   */
  constructor(options: MemifOptions, mac: Uint8Array, linear: LinearMemory) {
    const checked = checkMemif(options);
    this.name = `memif${checked.id}`;
    this.mac = checked.mac === undefined ? mac : readMac(checked.mac);
    this.mtu = checked.mtu;
    this.#isServer = checked.isServer;
    this.#options = { ...checked, name: "demikernel" };
    this.#frameSize = ETHERNET_HEADER + checked.mtu;
    const size = (START + this.#frameSize + 7) & ~3;
    const mapping = new Mapping(linear.reserve(wholePages(checked.room)));
    const scratch = linear.reserve(START + 2 * size + Waiting.bytes(size)).byteOffset + START;
    this.#whole = scratch;
    this.#spare = scratch + size;
    this.#memory = this.receiveMemory = this.sendMemory = linear.memory;
    this.#waiting = new Waiting(this.#memory, scratch + 2 * size, size);
    this.#regions = new Regions(mapping, wholePages(checked.room));
    const counts = addressOf(new Uint8Array(this.#count.buffer));
    this.#count[ONE] = 1n;
    this.#words.set(ONE, counts);
    this.#words.set(COUNT, counts + 8);
    this.#words.set(SIZE, 8);
    [this.#watch, this.#meeting] = openMeeting(checked);
    this.#attend();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#watch.fd;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    if (--this.#looks <= 0 || this.#isParked) this.#attend();
    const rings = this.#receiving;
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
        if (this.#untold > 0) this.#tell(rings);
        continue;
      }
      count += this.#take(ring, ready, sink, budget - count);
      if (this.#receiving !== rings) break;
    }
    return count;
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
    this.counters.countSent(length);
    if (at === this.#spare) return this.#sendSpare(length);
    const ring = this.#sending!;
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
    const ring = this.#sending;
    if (ring === null) return;
    ring.publish();
    if (!ring.masked) this.#ring(ring);
  }

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#isParked = true;
    const { u64 } = this.#words;
    for (const ring of this.#receiving) {
      ring.masked = false;
      // Besides, this takes so long that a frame is seen whose sender saw the flag before.
      this.#libc.read_at(ring.eventfd, u64[COUNT]!, u64[SIZE]!);
      if (ring.look() !== 0) this.#ring(ring);
    }
    this.#catchUp();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.flush();
    this.#disconnect("the interface was closed");
    this.#meeting.close();
    this.#watch.close();
  }

  #ring(ring: Ring): void {
    const { u64 } = this.#words;
    this.#libc.write_at(ring.eventfd, u64[ONE]!, u64[SIZE]!);
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
      this.#disconnect("an index or a descriptor out of range");
      return count;
    }
    this.#untold += count;
    if (this.#untold >= UNTOLD) this.#tell(this.#receiving);
    return count;
  }

  /** Tells the other end which slots are done with. */
  #tell(rings: readonly Ring[]): void {
    this.#untold = 0;
    for (const ring of rings) ring.publish();
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
      this.counters.countReceived(length);
      sink.frame(at, length, false);
    } else this.counters.receiveDrops++;
    this.#giveBack(ring);
    return 1;
  }

  /** As {@linkcode MemifDevice.#takeFrame}, of a frame that has to be copied. */
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
      this.counters.countReceived(size);
      sink.frame(this.#whole, size, false);
    } else this.counters.receiveDrops++;
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

  /** How much fits in a buffer of a client's. */
  get #capacity(): number {
    return this.#options.bufferSize - START;
  }

  /** Where the next frame can be written: in the ring, or aside; -1 if the ring is full. */
  #findRoom(): number {
    const ring = this.#sending;
    if (ring === null) return this.#spare;
    if (this.#free === 0 && !this.#look(ring)) return this.#noRoom();
    const { u16, i32 } = this.#memory;
    const descriptor = ring.descriptor(0);
    const capacity = this.#isServer
      ? i32[(descriptor + DESCRIPTOR.LENGTH) >> 2]! >>> 0
      : this.#capacity;
    const region = u16[(descriptor + DESCRIPTOR.REGION) >> 1]!;
    const offset = i32[(descriptor + DESCRIPTOR.OFFSET) >> 2]! >>> 0;
    const at = this.#regions.locate(region, offset, capacity);
    if (capacity >= this.#frameSize && (at & 3) === 2) {
      this.#stalled = 0;
      return at;
    }
    // All slots of a frame are there, or none is used.
    const needed = Math.ceil(this.#frameSize / Math.max(1, capacity));
    const isEnough = this.#free >= needed || (this.#look(ring) && this.#free >= needed);
    if (!isEnough && needed <= ring.slots) return this.#noRoom();
    this.#stalled = 0;
    return this.#spare;
  }

  /** Asks how many slots are free; says whether there are any. */
  #look(ring: Ring): boolean {
    this.flush();
    const free = ring.look();
    if (free < 0) this.#disconnect("an index out of range");
    this.#free = Math.max(0, free);
    if (this.#waiting.count > 0) this.#sendWaiting(ring);
    return this.#free > 0;
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
        this.counters.sendDrops++;
      }
      waiting.shift();
    }
  }

  /**
   * Sends frames that wait, if the link is up: a server has room only when its client heard that it is, which comes
   * later. Says whether none wait any more.
   */
  #catchUp(): boolean {
    const ring = this.#sending;
    if (ring === null) return false;
    if (this.#waiting.count > 0) {
      this.#look(ring);
      this.flush();
    }
    return this.#waiting.count === 0;
  }

  /** The ring is full: for now, or for long, or gone. */
  #noRoom(): number {
    if (this.#sending === null) return this.#spare;
    this.counters.fullRings++;
    return this.#stalled++ < STALLED ? -1 : this.#spare;
  }

  /** Sends the frame that was written aside. */
  #sendSpare(length: number): void {
    if (this.#sending === null) {
      this.counters.sendDrops += this.#waiting.add(this.#spare, length);
    } else if (!this.#scatter(this.#sending, this.#spare, length)) this.counters.sendDrops++;
  }

  /** Copies a frame into as many slots as it needs. */
  #scatter(ring: Ring, from: number, length: number): boolean {
    const { u16, i32 } = this.#memory;
    let slots = 0;
    for (let done = 0; done < length; slots++) {
      if (slots >= this.#free) return false;
      const descriptor = ring.descriptor(slots);
      const capacity = this.#isServer
        ? i32[(descriptor + DESCRIPTOR.LENGTH) >> 2]! >>> 0
        : this.#capacity;
      const piece = Math.min(capacity, length - done);
      const region = u16[(descriptor + DESCRIPTOR.REGION) >> 1]!;
      const offset = i32[(descriptor + DESCRIPTOR.OFFSET) >> 2]! >>> 0;
      const at = this.#regions.locate(region, offset, piece);
      if (at < 0) {
        this.#disconnect("a buffer out of range");
        return false;
      }
      copy(this.#memory, from + done, this.#memory, at, piece);
      done += piece;
      u16[(descriptor + DESCRIPTOR.FLAGS) >> 1] = done < length ? DESCRIPTOR.NEXT : 0;
      i32[(descriptor + DESCRIPTOR.LENGTH) >> 2] = piece;
    }
    ring.advance(slots);
    this.#free -= slots;
    this.#isUnpublished = true;
    return true;
  }

  /** Looks after the link: other ends that come, what they say, and whether they are there. */
  #attend(): void {
    if (this.#isParked) {
      this.#isParked = false;
      this.counters.wakeups++;
      for (const ring of this.#receiving) ring.masked = true;
    }
    // First whoever is there already: it may be gone, and come again as another one.
    this.#converse();
    if (this.#meet()) this.#converse();
    this.#looks = this.#catchUp() ? LOOKS : LOOKS_WHILE_DOWN;
  }

  /** Does what the other end's messages ask for. */
  #converse(): void {
    const peer = this.#peer;
    if (peer === null) return;
    try {
      peer.attend();
      if (peer.link !== null && this.#sending === null) this.#connect(peer.link);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the link for what the other end, or the kernel, does not let be. Throws any other error. */
  #fail(error: unknown): void {
    if (!(error instanceof LinkError || error instanceof LibcError)) throw error;
    this.#disconnect(error.message);
  }

  /** Welcomes another end, unless there is one already; says whether it did. */
  #meet(): boolean {
    if (!this.#isServer && this.#peer !== null) return false;
    const socket = this.#meeting.next();
    if (socket < 0) return false;
    if (this.#sending !== null) {
      new Client(socket, this.#memory, this.#regions, this.#options).close("already connected");
      return false;
    }
    // Who does not finish makes room for who may.
    this.#disconnect("another client came before the link was up");
    const Role = this.#isServer ? Client : Server;
    this.#peer = new Role(socket, this.#memory, this.#regions, this.#options);
    this.#meeting.seek(false);
    try {
      this.#watch.add(socket);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #connect({ sending, receiving }: Link): void {
    for (const ring of receiving) this.#watch.add(ring.eventfd);
    this.#sending = sending;
    this.#receiving = receiving;
    this.#free = 0;
    this.#reserved = -1;
    this.counters.links++;
    this.counters.link = "up";
    this.#catchUp();
    // A server that sleeps already, and has frames that wait, does not see otherwise that it may send them now.
    this.#isUnpublished = true;
    this.flush();
  }

  #disconnect(reason: string): void {
    const peer = this.#peer;
    if (peer === null) return;
    for (const ring of peer.link?.receiving ?? []) this.#watch.remove(ring.eventfd);
    this.#watch.remove(peer.socket);
    this.#peer = null;
    this.#sending = null;
    this.#receiving = [];
    this.#reserved = -1;
    peer.close(reason);
    this.#regions.clear();
    this.counters.link = `down: ${reason}`;
    this.#meeting.seek(true);
  }
}

function openMeeting({ socket, isServer }: CheckedMemif): [Watch, Meeting] {
  return opening(`memif socket ${socket}`, {
    EADDRINUSE: "somebody has it already, or a file is there that is no socket",
    EACCES: "permission denied: another user's directory",
    ENOENT: "there is no such directory",
  }, () => {
    const watch = new Watch();
    try {
      const meeting = isServer ? new ServerMeeting(socket) : new ClientMeeting(socket);
      watch.add(meeting.fd);
      return [watch, meeting];
    } catch (error) {
      watch.close();
      throw error;
    }
  });
}
