/**
 * The other end of a memif link, as long as it is connected: the messages on the socket, in either role, until the link
 * is up; and then that it is.
 *
 * @module
 */

import { EFD, F } from "../../../ffi/libc/constants.ts";
import { check } from "../../../ffi/libc/call.ts";
import { errno } from "../../../ffi/libc/memory.ts";
import { Errno } from "../../error.ts";
import { layOutRing, Ring } from "./ring.ts";
import {
  MESSAGE,
  MODE_ETHERNET,
  NAME_SIZE,
  RING,
  ringBytes,
  SECRET_SIZE,
  TO_SERVER,
  TYPE,
  VERSION,
} from "./layout.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { LinkError, MOST_REGIONS, type Regions } from "./regions.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { RightsMessage } from "../../../ffi/libc/rights.ts";

/** What both ends agree on, or the client decides. */
export interface LinkOptions {
  /** Its own name, told to the other end. */
  readonly name: string;
  /** The number of the interface. */
  readonly id: number;
  /** What both ends know; empty for nothing. */
  readonly secret: string;
  /** Slots of a ring, as a power of two, if this is the client. */
  readonly log2: number;
  /** Bytes of a buffer, if this is the client. */
  readonly bufferSize: number;
  /** Rings each way, if this is the client. */
  readonly queues: number;
}

/** The rings of a link that is up: the one to send by, and those to receive from. */
export interface Link {
  /** To send by. */
  readonly sending: Ring;
  /** To receive from. */
  readonly receiving: readonly Ring[];
}

/** The most rings each way. */
export const MOST_QUEUES = 16;
/** Where a frame begins in a buffer of this end's making, so that the words of its packet are aligned. */
export const START = 2;

/** Messages that are handled in a row. */
const MESSAGES = 64;

const encoder = new TextEncoder();

/** See the module's description. */
export abstract class Peer {
  /** The socket. */
  readonly socket: number;
  /** The link, once it is up. */
  link: Link | null = null;
  protected readonly libc: Libc = libc();
  protected readonly options: LinkOptions;
  protected readonly memory: Memory;
  protected readonly regions: Regions;
  protected readonly message: RightsMessage = new RightsMessage(MESSAGE.SIZE);
  protected readonly view: DataView<ArrayBuffer> = new DataView(this.message.bytes.buffer);
  readonly #eventfds: number[] = [];

  /** A peer on a socket, whose regions are mapped into a memory. */
  constructor(socket: number, memory: Memory, regions: Regions, options: LinkOptions) {
    this.socket = socket;
    this.memory = memory;
    this.regions = regions;
    this.options = options;
  }

  /** Does what its messages ask for. Throws {@linkcode LinkError} if the link is over. */
  attend(): void {
    for (let i = 0; i < MESSAGES; i++) {
      const { message } = this;
      const length = message.receive(this.socket);
      if (length < 0 && errno() === Errno.EAGAIN) return;
      if (length <= 0) throw new LinkError("the other end is gone");
      const { fd } = message;
      let isKept = false;
      try {
        if (length !== MESSAGE.SIZE) throw new LinkError(`a message of ${length} bytes`);
        const type = this.view.getUint16(MESSAGE.TYPE, true);
        if (type === TYPE.DISCONNECT) throw new LinkError(`the other end says: ${this.#reason()}`);
        isKept = this.handle(type, fd);
      } finally {
        if (fd >= 0 && !isKept) this.libc.close(fd);
      }
    }
  }

  /** Ends the connection, and says why. */
  close(reason: string): void {
    this.message.bytes.fill(0);
    const { REASON, REASON_SIZE } = MESSAGE.DISCONNECT;
    this.put(REASON, reason, REASON_SIZE);
    this.send(TYPE.DISCONNECT);
    this.libc.close(this.socket);
    for (const fd of this.#eventfds) this.libc.close(fd);
    this.link = null;
  }

  /** Does what a message asks for; says whether its descriptor is used still. */
  protected abstract handle(type: number, fd: number): boolean;

  /** Sends the message that was written, as one of a type. */
  protected send(type: number, fd = -1): void {
    this.view.setUint16(MESSAGE.TYPE, type, true);
    this.message.send(this.socket, fd);
    this.message.bytes.fill(0);
  }

  /** Writes a text that is no longer than a size, with a NUL at its end. */
  protected put(at: number, text: string, size: number): void {
    encoder.encodeInto(text, this.message.bytes.subarray(at, at + size - 1));
  }

  /** An eventfd of this link, closed with it. */
  protected keep(fd: number): number {
    this.#eventfds.push(fd);
    return fd;
  }

  #reason(): string {
    const { REASON, REASON_SIZE } = MESSAGE.DISCONNECT;
    const bytes = this.message.bytes.subarray(REASON, REASON + REASON_SIZE);
    const end = bytes.indexOf(0);
    const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
    return text.replaceAll(/[^\x20-\x7e]/g, "?");
  }
}

/** The other end is a client: it brings the memory and the rings. */
export class Client extends Peer {
  #isKnown = false;
  readonly #toHere: Ring[] = [];
  readonly #fromHere: Ring[] = [];
  readonly #cookies: number[] = [];

  /** Greets a client that connected. */
  constructor(socket: number, memory: Memory, regions: Regions, options: LinkOptions) {
    super(socket, memory, regions, options);
    const { HELLO } = MESSAGE;
    this.put(HELLO.NAME, options.name, NAME_SIZE);
    this.view.setUint16(HELLO.LEAST_VERSION, VERSION, true);
    this.view.setUint16(HELLO.MOST_VERSION, VERSION, true);
    this.view.setUint16(HELLO.LAST_REGION, MOST_REGIONS - 1, true);
    this.view.setUint16(HELLO.LAST_RING_FROM_SERVER, MOST_QUEUES - 1, true);
    this.view.setUint16(HELLO.LAST_RING_TO_SERVER, MOST_QUEUES - 1, true);
    this.view.setUint8(HELLO.LOG2_RING_SIZE, RING.MOST_LOG2);
    this.send(TYPE.HELLO);
  }

  protected override handle(type: number, fd: number): boolean {
    if (this.link !== null || (type !== TYPE.INIT && !this.#isKnown)) {
      throw new LinkError(`a message of type ${type} that is out of place`);
    }
    let isKept = false;
    if (type === TYPE.INIT) this.#init();
    else if (type === TYPE.ADD_REGION) this.#addRegion(fd);
    else if (type === TYPE.ADD_RING) isKept = this.#addRing(fd);
    else if (type === TYPE.CONNECT) return this.#connect();
    else throw new LinkError(`a message of type ${type}, which a client does not send`);
    this.message.bytes.fill(0);
    this.send(TYPE.ACK);
    return isKept;
  }

  #init(): void {
    const { INIT } = MESSAGE;
    const { id, secret } = this.options;
    const theirs = this.view.getUint32(INIT.ID, true);
    if (this.view.getUint16(INIT.VERSION, true) !== VERSION) throw new LinkError("another version");
    if (theirs !== id) throw new LinkError(`there is no interface ${theirs} here, but ${id}`);
    if (this.view.getUint8(INIT.MODE) !== MODE_ETHERNET) throw new LinkError("no Ethernet");
    const given = this.message.bytes.subarray(INIT.SECRET, INIT.SECRET + SECRET_SIZE);
    const wanted = new Uint8Array(SECRET_SIZE);
    encoder.encodeInto(secret, wanted);
    if (given.some((byte, i) => byte !== wanted[i])) throw new LinkError("another secret");
    this.#isKnown = true;
  }

  #addRegion(fd: number): void {
    const { ADD_REGION } = MESSAGE;
    const index = this.view.getUint16(ADD_REGION.INDEX, true);
    if (index !== this.regions.count) throw new LinkError(`region ${index} is not the next one`);
    this.regions.add(fd, Number(this.view.getBigUint64(ADD_REGION.SIZE, true)));
  }

  #addRing(fd: number): true {
    const { ADD_RING } = MESSAGE;
    const toHere = (this.view.getUint16(ADD_RING.FLAGS, true) & TO_SERVER) !== 0;
    const rings = toHere ? this.#toHere : this.#fromHere;
    const index = this.view.getUint16(ADD_RING.INDEX, true);
    if (index !== rings.length || index >= MOST_QUEUES) {
      throw new LinkError(`ring ${index} is not the next one, or one too many`);
    }
    const log2 = this.view.getUint8(ADD_RING.LOG2_SIZE);
    if (log2 > RING.MOST_LOG2) throw new LinkError(`a ring of 2^${log2} slots`);
    const region = this.view.getUint16(ADD_RING.REGION, true);
    const offset = this.view.getUint32(ADD_RING.OFFSET, true);
    const at = this.regions.locate(region, offset, ringBytes(1 << log2));
    if (at < 0 || (offset & 3) !== 0) {
      throw new LinkError(`a ring of 2^${log2} slots at ${offset} of region ${region}`);
    }
    checkEventfd(this.libc, fd);
    rings.push(new Ring(this.memory, { at, log2, client: false, sends: !toHere, eventfd: fd }));
    this.#cookies.push((at + RING.COOKIE) >> 2);
    this.keep(fd);
    return true;
  }

  #connect(): false {
    if (this.#toHere.length === 0 || this.#fromHere.length === 0) {
      throw new LinkError("no ring each way");
    }
    if (this.#cookies.some((word) => this.memory.i32[word] !== RING.MAGIC)) {
      throw new LinkError("a ring that does not begin as one");
    }
    this.message.bytes.fill(0);
    this.put(MESSAGE.CONNECT.NAME, this.options.name, NAME_SIZE);
    this.send(TYPE.CONNECTED);
    this.link = up(this.#fromHere[0]!, this.#toHere);
    return false;
  }
}

/** The other end is a server: it is given memory and rings of this end's making. */
export class Server extends Peer {
  /** What is to be sent, one message for each acknowledgement. */
  readonly #script: (() => void)[] = [];
  readonly #toThere: Ring[] = [];
  readonly #fromThere: Ring[] = [];
  /** A region's descriptor, until it was sent. */
  #region = -1;

  protected override handle(type: number, _fd: number): false {
    const isAwaited = this.#script.length > 0;
    if (type === TYPE.HELLO && this.regions.count === 0) {
      this.#begin();
      this.#script.shift()!();
    } else if (type === TYPE.ACK && isAwaited) this.#script.shift()!();
    else if (type === TYPE.CONNECTED && !isAwaited && this.regions.count > 0 && !this.link) {
      this.link = up(this.#toThere[0]!, this.#fromThere);
    } else throw new LinkError(`a message of type ${type} that is out of place`);
    return false;
  }

  override close(reason: string): void {
    super.close(reason);
    if (this.#region >= 0) this.libc.close(this.#region);
  }

  #begin(): void {
    const { HELLO } = MESSAGE;
    const least = this.view.getUint16(HELLO.LEAST_VERSION, true);
    const most = this.view.getUint16(HELLO.MOST_VERSION, true);
    if (VERSION < least || VERSION > most) throw new LinkError("another version");
    const { options, memory } = this;
    const log2 = Math.min(this.view.getUint8(HELLO.LOG2_RING_SIZE), options.log2);
    const queues = Math.min(
      this.view.getUint16(HELLO.LAST_RING_FROM_SERVER, true) + 1,
      this.view.getUint16(HELLO.LAST_RING_TO_SERVER, true) + 1,
      options.queues,
    );
    this.message.bytes.fill(0);
    this.#region = this.regions.make(regionBytes(log2, queues, options.bufferSize));
    this.#script.push(() => this.#sendInit(), () => this.#sendRegion(log2, queues));
    const base = this.regions.locate(0, 0, 0);
    for (let i = 0; i < 2 * queues; i++) {
      const sends = i < queues;
      const offset = i * ringBytes(1 << log2);
      const buffers = buffersAt(log2, queues) + i * options.bufferSize * 2 ** log2;
      const at = base + offset;
      const { bufferSize } = options;
      layOutRing(memory, at, log2, 0, buffers + START, bufferSize, bufferSize - START);
      const eventfd = this.keep(
        check("eventfd", this.libc.eventfd(0, EFD.NONBLOCK | EFD.CLOEXEC)),
      );
      const ring = new Ring(memory, { at, log2, client: true, sends, eventfd });
      (sends ? this.#toThere : this.#fromThere).push(ring);
      this.#script.push(() => this.#sendRing(sends, i % queues, offset, log2, eventfd));
    }
    this.#script.push(() => this.#sendConnect());
  }

  #sendInit(): void {
    const { INIT } = MESSAGE;
    this.view.setUint16(INIT.VERSION, VERSION, true);
    this.view.setUint32(INIT.ID, this.options.id, true);
    this.view.setUint8(INIT.MODE, MODE_ETHERNET);
    this.put(INIT.SECRET, this.options.secret, SECRET_SIZE + 1);
    this.put(INIT.NAME, this.options.name, NAME_SIZE);
    this.send(TYPE.INIT);
  }

  #sendRegion(log2: number, queues: number): void {
    const size = regionBytes(log2, queues, this.options.bufferSize);
    this.view.setBigUint64(MESSAGE.ADD_REGION.SIZE, BigInt(size), true);
    this.send(TYPE.ADD_REGION, this.#region);
    this.libc.close(this.#region);
    this.#region = -1;
  }

  #sendRing(toServer: boolean, index: number, offset: number, log2: number, fd: number): void {
    const { ADD_RING } = MESSAGE;
    this.view.setUint16(ADD_RING.FLAGS, toServer ? TO_SERVER : 0, true);
    this.view.setUint16(ADD_RING.INDEX, index, true);
    this.view.setUint32(ADD_RING.OFFSET, offset, true);
    this.view.setUint8(ADD_RING.LOG2_SIZE, log2);
    this.send(TYPE.ADD_RING, fd);
  }

  #sendConnect(): void {
    this.put(MESSAGE.CONNECT.NAME, this.options.name, NAME_SIZE);
    this.send(TYPE.CONNECT);
  }
}

/** Where buffers begin in a region, behind its rings; at a line of the processor's cache. */
function buffersAt(log2: number, queues: number): number {
  return (2 * queues * ringBytes(1 << log2) + 63) & ~63;
}

/** The bytes of a region with rings and buffers. */
export function regionBytes(log2: number, queues: number, bufferSize: number): number {
  return buffersAt(log2, queues) + 2 * queues * bufferSize * 2 ** log2;
}

/** A link that is up from now on. */
function up(sending: Ring, receiving: readonly Ring[]): Link {
  for (const ring of receiving) ring.masked = true;
  for (const ring of [sending, ...receiving]) ring.publish();
  return { sending, receiving };
}

/** Checks that a descriptor is an eventfd, and makes it one that blocks nobody. */
function checkEventfd(libc: Libc, fd: number): void {
  const path = encoder.encode(`/proc/self/fd/${fd}\0`);
  const link = new Uint8Array(64);
  const length = fd < 0 ? -1 : libc.readlink(path, link, BigInt(link.length));
  const target = new TextDecoder().decode(link.subarray(0, Math.max(0, length)));
  if (target !== "anon_inode:[eventfd]") throw new LinkError("a ring without an eventfd");
  libc.fcntl(fd, F.SETFL, libc.fcntl(fd, F.GETFL, 0) | EFD.NONBLOCK);
}
