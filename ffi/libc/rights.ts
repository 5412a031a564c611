/**
 * Messages that bring a descriptor along: `sendmsg` and `recvmsg` on a Unix socket, with `SCM_RIGHTS`.
 *
 * @module
 */

import { addressOf } from "./memory.ts";
import { type Libc, libc } from "./load.ts";
import { MESSAGE } from "./msghdr.ts";
import { MSG, SCM_RIGHTS, SOL } from "./constants.ts";
import { Words } from "./words.ts";

/** `struct cmsghdr` with one descriptor, in bytes: its length as 64 bits, level, type; and `CMSG_LEN` of it. */
export const CONTROL = { LENGTH: 0, LEVEL: 8, TYPE: 12, DATA: 16, SIZE: 20 } as const;

/** Where things are among the words: the header, its one segment, and the control message. */
const SEGMENT: number = MESSAGE.SIZE;
const CONTROL_WORD: number = SEGMENT + MESSAGE.SEGMENT_SIZE;
const ADDRESS: number = CONTROL_WORD + 3;

/** One message of a fixed size at most, sent or received with at most one descriptor. Nothing of it blocks. */
export class RightsMessage {
  /** The message. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The descriptor that came with the last message received, which is the caller's to close; -1 if there was none. */
  fd = -1;
  readonly #libc: Libc = libc();
  readonly #words = new Words(ADDRESS + 1);
  readonly #control: DataView<ArrayBuffer>;

  /** Makes room for messages of a size. */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    const { buffer } = this.#words.u64;
    const words = addressOf(new Uint8Array(buffer));
    this.#control = new DataView(buffer, 8 * CONTROL_WORD);
    this.#words.set(MESSAGE.VECTOR, words + 8 * SEGMENT);
    this.#words.set(MESSAGE.VECTOR_LENGTH, 1);
    this.#words.set(SEGMENT, addressOf(this.bytes));
    this.#words.set(SEGMENT + 1, size);
    this.#words.set(MESSAGE.CONTROL, words + 8 * CONTROL_WORD);
    this.#words.set(ADDRESS, words);
  }

  /** Sends the message whole, with a descriptor unless that is -1. Negative if it failed: see `errno`. */
  send(socket: number, fd: number): number {
    const control = this.#control;
    control.setUint32(CONTROL.LENGTH, CONTROL.SIZE, true);
    control.setInt32(CONTROL.LEVEL, SOL.SOCKET, true);
    control.setInt32(CONTROL.TYPE, SCM_RIGHTS, true);
    control.setInt32(CONTROL.DATA, fd, true);
    this.#words.set(MESSAGE.CONTROL_LENGTH, fd < 0 ? 0 : CONTROL.SIZE);
    return this.#libc.sendmsg(socket, this.#words.u64[ADDRESS]!, MSG.NOSIGNAL | MSG.DONTWAIT);
  }

  /** Receives a message. Gives its length: 0 at the end of the connection, negative if it failed, see `errno`. */
  receive(socket: number): number {
    // Of several descriptors that somebody sends, the kernel closes those that have no room.
    this.#words.set(MESSAGE.CONTROL_LENGTH, CONTROL.SIZE);
    const flags = MSG.DONTWAIT | MSG.CMSG_CLOEXEC;
    const length = this.#libc.recvmsg(socket, this.#words.u64[ADDRESS]!, flags);
    const control = this.#control;
    const has = length >= 0 && this.#words.u64[MESSAGE.CONTROL_LENGTH]! >= CONTROL.SIZE &&
      control.getInt32(CONTROL.LEVEL, true) === SOL.SOCKET &&
      control.getInt32(CONTROL.TYPE, true) === SCM_RIGHTS;
    this.fd = has ? control.getInt32(CONTROL.DATA, true) : -1;
    return length;
  }
}
