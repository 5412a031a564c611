/**
 * The other end of a memif link, as long as it is connected: the messages on the socket, in either role, until the link
 * is up; and then that it is.
 *
 * @module
 */

import { Errno } from "../../error.ts";
import type { Ring } from "./ring.ts";
import { MESSAGE, TYPE } from "./layout.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { LinkError, type Regions } from "./regions.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { RightsMessage } from "../../../ffi/libc/rights.ts";
import { socketErrno } from "../../runtime/socket_errno.ts";

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
      const error = length < 0 ? socketErrno() : 0;
      if (error === Errno.EAGAIN) return;
      if (error === Errno.EINTR) continue;
      // What has no bytes may have brought a descriptor all the same.
      const { fd } = message;
      let isKept = false;
      try {
        if (length <= 0) throw new LinkError("the other end is gone");
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

/** A link that is up from now on. */
export function up(sending: Ring, receiving: readonly Ring[]): Link {
  for (const ring of receiving) ring.masked = true;
  for (const ring of [sending, ...receiving]) ring.publish();
  return { sending, receiving };
}

/** How much of a frame fits in a buffer of this end's making. */
export function capacityOf({ bufferSize }: Pick<LinkOptions, "bufferSize">): number {
  return bufferSize - START;
}

/** Bytes that a frame of a size takes where it is put aside: a multiple of 4. */
export function spaceFor(frameSize: number): number {
  return (START + frameSize + 7) & ~3;
}
