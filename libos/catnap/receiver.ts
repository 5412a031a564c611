/**
 * Receiving: the kernel writes into one large buffer, and the data goes on in one of its own size.
 *
 * So no buffer waits empty at an idle connection, and a message of 64 bytes holds 64 and not 65 536. The
 * copy costs nanoseconds; what fills half of the large buffer is not copied but handed on as it is.
 *
 * @module
 */

import type { Libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { MSG } from "../../ffi/libc/constants.ts";
import { Words } from "../../ffi/libc/words.ts";
import { type DemikernelError, Errno } from "../error.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";
import type { BufferHeap } from "../runtime/memory/heap.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { socketErrno } from "../runtime/socket_errno.ts";
import { type PeerAddress, PeerTable } from "./address.ts";

/** The most that one pop of a stream gives, and more than any UDP datagram is. */
export const STAGING_SIZE = 65536;

/** Where the arguments are. */
const BUFFER = 0;
const LENGTH = 1;
const TARGET = 2;
const COPIED = 3;
const NAME = 4;
const NAME_LENGTH = 5;

/** Receives for all sockets of one libOS. */
export class Receiver {
  /** The errno of the last receive that gave a negative number. */
  errno = 0;
  /** The error behind that errno, if it is not the kernel's. */
  failure: unknown = undefined;
  readonly #libc: Libc;
  readonly #heap: BufferHeap;
  readonly #words = new Words(6);
  readonly #name = new Uint32Array(SOCKADDR.IN6.SIZE / 4);
  readonly #nameLength = new Uint32Array(1);
  readonly #peers = new PeerTable();
  #staging: Chunk;

  /** Takes the large buffer from the heap. */
  constructor(libc: Libc, heap: BufferHeap) {
    this.#libc = libc;
    this.#heap = heap;
    this.#staging = heap.reserve(STAGING_SIZE);
    this.#words.set(BUFFER, this.#staging.address);
    this.#words.set(NAME, addressOf(new Uint8Array(this.#name.buffer)));
    this.#words.set(NAME_LENGTH, addressOf(new Uint8Array(this.#nameLength.buffer)));
  }

  /** `recv` of at most `size` bytes: gives how many there were, 0 at the end, or a negative number. */
  receive(fd: number, size: number): number {
    this.#words.set(LENGTH, size);
    const length = this.#libc.recv(fd, this.#words.u64[BUFFER]!, this.#words.u64[LENGTH]!, 0);
    if (length < 0) this.#failed();
    return length;
  }

  /** `recvfrom` of one datagram: gives its true length, which may be more than `size`. */
  receiveFrom(fd: number, size: number): number {
    const { u64 } = this.#words;
    this.#words.set(LENGTH, size);
    this.#nameLength[0] = SOCKADDR.IN6.SIZE;
    const length = this.#libc.recvfrom(
      fd,
      u64[BUFFER]!,
      u64[LENGTH]!,
      MSG.TRUNC,
      u64[NAME]!,
      u64[NAME_LENGTH]!,
    );
    if (length < 0) this.#failed();
    return length;
  }

  /** The length of the record that comes next, without taking it. */
  peek(fd: number): number {
    this.#words.set(LENGTH, 0);
    const flags = MSG.PEEK | MSG.TRUNC;
    const length = this.#libc.recv(fd, this.#words.u64[BUFFER]!, this.#words.u64[LENGTH]!, flags);
    if (length < 0) this.#failed();
    return length;
  }

  /** Receives a record that is larger than the large buffer into one of its own; null if that failed. */
  receiveLarge(fd: number, size: number): HeapSga | null {
    const chunk = this.#takeChunk(size);
    if (chunk === null) return null;
    this.#words.set(TARGET, chunk.address);
    this.#words.set(LENGTH, size);
    const { u64 } = this.#words;
    const length = this.#libc.recv(fd, u64[TARGET]!, u64[LENGTH]!, 0);
    if (length > 0) return this.#heap.wrap(chunk, length);
    if (length < 0) this.#failed();
    // Another process took the record that was there, and then the end came.
    else this.errno = Errno.EINTR;
    this.#heap.release(chunk);
    return null;
  }

  /** An sga of what was received last; null if the heap has no memory for it, and it is lost. */
  take(length: number): HeapSga | null {
    const heap = this.#heap;
    const large = length > STAGING_SIZE / 2;
    const chunk = this.#takeChunk(large ? STAGING_SIZE : length);
    if (chunk === null) return null;
    if (large) {
      heap.exchange(this.#staging, chunk);
      const sga = heap.wrap(this.#staging, length);
      this.#staging = chunk;
      this.#words.set(BUFFER, chunk.address);
      return sga;
    }
    const words = this.#words;
    words.set(TARGET, chunk.address);
    words.set(COPIED, length);
    this.#libc.memcpy(words.u64[TARGET]!, words.u64[BUFFER]!, words.u64[COPIED]!);
    return heap.wrap(chunk, length);
  }

  /** Where what was received last came from; null if the kernel did not say. */
  peer(): PeerAddress | null {
    const length = this.#nameLength[0]!;
    return length === 0 ? null : this.#peers.find(this.#name, length >> 2);
  }

  /** Gives the large buffer back. */
  close(): void {
    this.#heap.unreserve(this.#staging);
  }

  #takeChunk(size: number): Chunk | null {
    try {
      return this.#heap.take(size);
    } catch (error) {
      this.errno = (error as DemikernelError).errno;
      this.failure = error;
      return null;
    }
  }

  #failed(): void {
    this.errno = socketErrno();
    this.failure = undefined;
  }
}
