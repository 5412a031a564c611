/**
 * Sending an sga, or what is left of it.
 *
 * @module
 */

import type { Libc } from "../../ffi/libc/load.ts";
import { MSG } from "../../ffi/libc/constants.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { MESSAGE, MessageHeader } from "../../ffi/libc/msghdr.ts";
import { Words } from "../../ffi/libc/words.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { socketErrno } from "../runtime/socket_errno.ts";
import type { PeerAddress } from "./address.ts";

/** The most that one call sends, so that its result fits 32 bits. */
export const MOST = 2 ** 30;

const BUFFER = 0;
const LENGTH = 1;
const NAME = 2;
const HEADER = 3;

/** Sends for all sockets of one libOS. */
export class Sender {
  /** The errno of the last send that gave a negative number. */
  errno = 0;
  readonly #libc: Libc;
  readonly #words = new Words(4);
  readonly #message = new MessageHeader(addressOf);

  /** Makes a sender. */
  constructor(libc: Libc) {
    this.#libc = libc;
    this.#words.set(HEADER, this.#message.address);
  }

  /** Sends from byte `start` on, at most so many; gives how many bytes went, or a negative number. */
  send(fd: number, sga: HeapSga, start: number, most: number): number {
    const words = this.#words;
    let sent: number;
    if (sga.more === null) {
      words.set(BUFFER, sga.firstAddress + start);
      words.set(LENGTH, Math.min(sga.firstLength - start, most));
      sent = this.#libc.send(fd, words.u64[BUFFER]!, words.u64[LENGTH]!, MSG.NOSIGNAL);
    } else {
      this.#gather(sga, start, most);
      sent = this.#libc.sendmsg(fd, words.u64[HEADER]!, MSG.NOSIGNAL);
    }
    if (sent < 0) this.errno = socketErrno();
    return sent;
  }

  /** Sends all as one datagram to a peer. */
  sendTo(fd: number, sga: HeapSga, peer: PeerAddress): number {
    const words = this.#words;
    let sent: number;
    if (sga.more === null) {
      words.set(BUFFER, sga.firstAddress);
      words.set(LENGTH, sga.firstLength);
      words.set(NAME, peer.location);
      const { u64 } = words;
      sent = this.#libc.sendto(
        fd,
        u64[BUFFER]!,
        u64[LENGTH]!,
        MSG.NOSIGNAL,
        u64[NAME]!,
        peer.size,
      );
    } else {
      this.#gather(sga, 0, MOST);
      this.#message.setName(peer.location, peer.size);
      sent = this.#libc.sendmsg(fd, words.u64[HEADER]!, MSG.NOSIGNAL);
    }
    if (sent < 0) this.errno = socketErrno();
    return sent;
  }

  /** Lays the segments from byte `start` on out as the kernel reads them, as many as go in one call. */
  #gather(sga: HeapSga, start: number, most: number): void {
    const message = this.#message;
    message.clear();
    let skip = start;
    let room = most;
    const add = (address: number, length: number) => {
      const skipped = Math.min(skip, length);
      skip -= skipped;
      const rest = Math.min(length - skipped, room);
      room -= rest;
      if (rest > 0 && message.segments < MESSAGE.SEGMENTS_MAX) {
        message.addSegment(address + skipped, rest);
      }
    };
    add(sga.firstAddress, sga.firstLength);
    for (const { chunk, offset, length } of sga.more!) add(chunk.address + offset, length);
  }
}
