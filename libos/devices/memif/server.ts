/**
 * The other end of a link, as a server: it is given the memory and the rings, which are made here.
 *
 * @module
 */

import { check } from "../../../ffi/libc/call.ts";
import { EFD } from "../../../ffi/libc/constants.ts";
import { layOutRing, Ring } from "./ring.ts";
import { capacityOf, Peer, START, up } from "./peer.ts";
import { LinkError } from "./regions.ts";
import {
  MESSAGE,
  MODE_ETHERNET,
  NAME_SIZE,
  ringBytes,
  SECRET_SIZE,
  TO_SERVER,
  TYPE,
  VERSION,
} from "./layout.ts";

/** See the module's description. */
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
      layOutRing(memory, at, log2, 0, buffers + START, bufferSize, capacityOf(options));
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
