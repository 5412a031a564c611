/**
 * The other end of a link, as a client: it brings the memory and the rings.
 *
 * @module
 */

import { EFD, F } from "../../../ffi/libc/constants.ts";
import type { Libc } from "../../../ffi/libc/load.ts";
import { LinkError, MOST_REGIONS, type Regions } from "./regions.ts";
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
import { type LinkOptions, MOST_QUEUES, Peer, up } from "./peer.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { Ring } from "./ring.ts";

const encoder = new TextEncoder();

/** See the module's description. */
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

/** Checks that a descriptor is an eventfd, and makes it one that blocks nobody. */
function checkEventfd(libc: Libc, fd: number): void {
  const path = encoder.encode(`/proc/self/fd/${fd}\0`);
  const link = new Uint8Array(64);
  const length = fd < 0 ? -1 : libc.readlink(path, link, BigInt(link.length));
  const target = new TextDecoder().decode(link.subarray(0, Math.max(0, length)));
  if (target !== "anon_inode:[eventfd]") throw new LinkError("a ring without an eventfd");
  libc.fcntl(fd, F.SETFL, libc.fcntl(fd, F.GETFL, 0) | EFD.NONBLOCK);
}
