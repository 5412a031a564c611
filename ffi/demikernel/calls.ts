/**
 * The calls of a started library, over memory that is laid out once: no policy, and on the datapath no
 * allocation. Tokens and sgas are named by the index of their place, results are read as 32-bit words.
 *
 * Every call gives a number: 0 or what it says, or if it failed, the errno as a negative number. Nothing is
 * checked: a descriptor may be any integer, but an index out of range, or an sga that is not a live one of this
 * thread, ends the process.
 *
 * @module
 */

import { SOCKADDR } from "../libc/sockaddr.ts";
import { Words } from "../libc/words.ts";
import { type Layout, LINGER, TIMESPEC } from "./layout.ts";
import type { Library } from "./load.ts";
import { SgaAllocator } from "./sga_allocator.ts";
import { cString } from "./c_string.ts";
import type { DemikernelSymbols } from "./symbols.ts";

/** How much memory the calls have. */
export interface CallsOptions {
  /**
   * Operations under way at most, each with a place for its token.
   *
   * @default {4096}
   */
  readonly tokens?: number;
  /**
   * Sgas held at most.
   *
   * @default {4096}
   */
  readonly sgas?: number;
  /**
   * Results that {@linkcode Calls.waitNextN} takes at most.
   *
   * @default {64}
   */
  readonly results?: number;
}

const AF_INET = 2;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
/** Neither is ever given out: descriptors begin at 500, and tokens at 2. */
const NO_QUEUE = -1;
const NO_TOKEN = 0n;
const ENOSYS = 38;
const ETIMEDOUT = 110;

/** Places for structs, one behind the other, and their addresses. */
class Places {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly addresses: BigUint64Array<ArrayBuffer>;

  constructor(symbols: DemikernelSymbols, count: number, size: number) {
    this.bytes = new Uint8Array(count * size);
    const first = symbols.address_of(this.bytes, 0, 0n);
    this.addresses = BigUint64Array.from({ length: count }, (_, i) => first + BigInt(i * size));
  }
}

/** The calls. One libOS has one of these, which belongs to its thread. */
export class Calls {
  /** Where things are in {@linkcode Calls.results} and {@linkcode Calls.sgas}, in bytes. */
  readonly layout: Layout;
  /** The tokens of the operations under way. */
  readonly tokens: BigUint64Array<ArrayBuffer>;
  /** What completed: results one behind the other, as 32-bit words. */
  readonly results: Int32Array<ArrayBuffer>;
  /** The sgas that are held, one behind the other, as 32-bit words. */
  readonly sgas: Uint32Array<ArrayBuffer>;
  /** A `struct sockaddr_in`: where {@linkcode Calls.pushTo} sends, and what `getpeername` found. */
  readonly address: Uint8Array<ArrayBuffer> = new Uint8Array(SOCKADDR.IN.SIZE);

  readonly #symbols: DemikernelSymbols;
  readonly #allocator: SgaAllocator;
  readonly #tokenPlaces: BigUint64Array<ArrayBuffer>;
  readonly #sgaPlaces: BigUint64Array<ArrayBuffer>;
  readonly #sgaBytes: Uint8Array<ArrayBuffer>;
  readonly #resultPlaces: BigUint64Array<ArrayBuffer>;
  readonly #timeout = new BigInt64Array(TIMESPEC.SIZE / 8);
  readonly #out = new Int32Array(2);
  readonly #outBytes = new Uint8Array(this.#out.buffer);
  /** Addresses of `#out`, `#timeout` and `address`. */
  readonly #fixed: BigUint64Array<ArrayBuffer>;
  /** Arguments of `memcpy`. */
  readonly #copy = new Words(3);
  /** In 32-bit words. */
  readonly #sgaWords: number;
  readonly #segmentWords: number;
  readonly #segmentsAt: number;
  readonly #lengthAt: number;
  readonly #bufAt: number;

  /** Lays the memory out for the libOS that `start()` has started on this thread. */
  constructor({ symbols }: Library, layout: Layout, options: CallsOptions = {}) {
    const { tokens = 4096, sgas = 4096, results = 64 } = options;
    this.#symbols = symbols;
    this.#allocator = new SgaAllocator(symbols);
    this.layout = layout;
    // One more, for the end mark of check().
    const tokenPlaces = new Places(symbols, tokens + 1, 8);
    this.tokens = new BigUint64Array(tokenPlaces.bytes.buffer);
    this.#tokenPlaces = tokenPlaces.addresses;
    const sgaPlaces = new Places(symbols, sgas, layout.sga.size);
    this.sgas = new Uint32Array(sgaPlaces.bytes.buffer);
    this.#sgaPlaces = sgaPlaces.addresses;
    this.#sgaBytes = sgaPlaces.bytes;
    const resultPlaces = new Places(symbols, results, layout.result.size);
    this.results = new Int32Array(resultPlaces.bytes.buffer);
    this.#resultPlaces = resultPlaces.addresses;
    this.#fixed = BigUint64Array.of(
      symbols.address_of(this.#outBytes, 0, 0n),
      symbols.address_of(new Uint8Array(this.#timeout.buffer), 0, 0n),
      symbols.address_of(this.address, 0, 0n),
    );
    this.#sgaWords = layout.sga.size / 4;
    this.#segmentWords = layout.segment.size / 4;
    this.#segmentsAt = layout.sga.segments / 4;
    this.#lengthAt = layout.segment.length / 4;
    this.#bufAt = layout.segment.buf / 4;
  }

  /** Makes a socket of IPv4. Gives its queue descriptor. */
  socket(type: number): number {
    const errno = this.#symbols.demi_socket(this.#outBytes, AF_INET, type, 0);
    return errno === 0 ? this.#out[0]! : -errno;
  }

  /** Makes the receiving end of a pipe (catmem). Gives its queue descriptor. */
  createPipe(name: string): number {
    const errno = this.#symbols.demi_create_pipe?.(this.#outBytes, cString(name)) ?? ENOSYS;
    return errno === 0 ? this.#out[0]! : -errno;
  }

  /** Opens the sending end of a pipe (catmem). Gives its queue descriptor. */
  openPipe(name: string): number {
    const errno = this.#symbols.demi_open_pipe?.(this.#outBytes, cString(name)) ?? ENOSYS;
    return errno === 0 ? this.#out[0]! : -errno;
  }

  /** Binds to a `struct sockaddr`. */
  bind(qd: number, address: Uint8Array<ArrayBuffer>): number {
    return 0 - this.#symbols.demi_bind(qd, address, address.length);
  }

  /** Listens. */
  listen(qd: number, backlog: number): number {
    return 0 - this.#symbols.demi_listen(qd, backlog);
  }

  /** Closes, and blocks until that is done, which may take as long as TIME_WAIT. */
  close(qd: number): number {
    return 0 - this.#symbols.demi_close(qd);
  }

  /** Reads the address of the peer into {@linkcode Calls.address}. */
  getpeername(qd: number): number {
    this.#out[0] = SOCKADDR.IN.SIZE;
    return 0 - this.#symbols.demi_getpeername(qd, this.address, this.#outBytes);
  }

  /** Sets how long closing lingers over unsent data, in whole seconds; null is not at all. */
  setLinger(qd: number, seconds: number | null): number {
    this.#out[LINGER.ON / 4] = seconds === null ? 0 : 1;
    this.#out[LINGER.SECONDS / 4] = seconds ?? 0;
    return 0 -
      this.#symbols.demi_setsockopt(qd, SOL_SOCKET, SO_LINGER, this.#outBytes, LINGER.SIZE);
  }

  /** Tells how long closing lingers over unsent data, in seconds; null is not at all. */
  getLinger(qd: number): { readonly result: number; readonly seconds: number | null } {
    const size = Uint32Array.of(LINGER.SIZE);
    const sizeBytes = new Uint8Array(size.buffer);
    const { demi_getsockopt } = this.#symbols;
    const result = 0 - demi_getsockopt(qd, SOL_SOCKET, SO_LINGER, this.#outBytes, sizeBytes);
    const on = result === 0 && this.#out[LINGER.ON / 4] !== 0;
    return { result, seconds: on ? this.#out[LINGER.SECONDS / 4]! : null };
  }

  /** Begins to accept; the token goes to its place. */
  accept(qd: number, token: number): number {
    return 0 - this.#symbols.demi_accept(this.#tokenPlaces[token]!, qd);
  }

  /** Begins to connect to a `struct sockaddr`; the token goes to its place. */
  connect(qd: number, token: number, address: Uint8Array<ArrayBuffer>): number {
    return 0 - this.#symbols.demi_connect(this.#tokenPlaces[token]!, qd, address, address.length);
  }

  /** Begins to push an sga, which may be freed at once; the token goes to its place. */
  push(qd: number, token: number, sga: number): number {
    return 0 - this.#symbols.demi_push(this.#tokenPlaces[token]!, qd, this.#sgaPlaces[sga]!);
  }

  /** As {@linkcode Calls.push}, to where {@linkcode Calls.address} says. */
  pushTo(qd: number, token: number, sga: number): number {
    const place = this.#sgaPlaces[sga]!;
    const { demi_pushto } = this.#symbols;
    return 0 - demi_pushto(this.#tokenPlaces[token]!, qd, place, this.#fixed[2]!, SOCKADDR.IN.SIZE);
  }

  /** Begins to pop; the token goes to its place. */
  pop(qd: number, token: number): number {
    return 0 - this.#symbols.demi_pop(this.#tokenPlaces[token]!, qd);
  }

  /** Moves a token to another place, so that those under way stay the first ones. */
  moveToken(from: number, to: number): void {
    this.tokens[to] = this.tokens[from]!;
  }

  /**
   * How long the `wait` calls block, in seconds and nanoseconds; at first 0, which is about 128 polls, and
   * never one alone.
   */
  setTimeout(seconds: number, nanoseconds: number): void {
    this.#timeout[TIMESPEC.SECONDS / 8] = BigInt(seconds);
    this.#timeout[TIMESPEC.NANOSECONDS / 8] = BigInt(nanoseconds);
  }

  /**
   * Runs what is ready, once, which no call of the library is for: one that fails does that beside. It does not
   * move the library's clock, so none of its timers expires; the `wait` calls do.
   */
  poll(): void {
    this.#symbols.demi_pop(this.#resultPlaces[0]!, NO_QUEUE);
  }

  /**
   * Looks whether any of the first `count` tokens has completed, without running or waiting for anything. Gives
   * which one, and its result is the first, or `-EINVAL` if none has. The place behind them is written to.
   *
   * Upstream looks at one token after the other, and gives up at the first one that is not a token.
   */
  check(count: number): number {
    this.tokens[count] = NO_TOKEN;
    return this.waitAny(count + 1);
  }

  /** Waits for one token. Its result is the first. */
  wait(token: number): number {
    return 0 - this.#symbols.demi_wait(
      this.#resultPlaces[0]!,
      this.tokens[token]!,
      this.#fixed[1]!,
    );
  }

  /** Waits for any of the first `count` tokens. Gives which one; its result is the first. */
  waitAny(count: number): number {
    const errno = this.#symbols.demi_wait_any(
      this.#resultPlaces[0]!,
      this.#fixed[0]!,
      this.#tokenPlaces[0]!,
      count,
      this.#fixed[1]!,
    );
    return errno === 0 ? this.#out[0]! : -errno;
  }

  /**
   * Waits until as many operations have completed as it has places for, or the time is up. Gives how many:
   * upstream answers that the time is up also when there are some, and would tell of them never again.
   */
  waitNextN(): number {
    this.#out[0] = 0;
    const errno = this.#symbols.demi_wait_next_n(
      this.#resultPlaces[0]!,
      this.#resultPlaces.length,
      this.#fixed[0]!,
      this.#fixed[1]!,
    );
    return errno === 0 || errno === ETIMEDOUT ? this.#out[0]! : -errno;
  }

  /** Makes an sga of one segment of 1 to 65535 bytes. Gives whether there was memory for it. */
  allocate(sga: number, length: number): boolean {
    const { size } = this.layout.sga;
    const place = this.#sgaPlaces[sga]!;
    this.#allocator.into(place, this.#sgaBytes, sga * size, size, length);
    return this.segments(sga) !== 0;
  }

  /** Takes the sga out of a result of a pop. It has to be freed, also where it is empty: that is the end. */
  take(sga: number, result = 0): void {
    const words = this.#sgaWords;
    const from = (result * this.layout.result.size + this.layout.result.sga) / 4;
    const to = sga * words;
    for (let i = 0; i < words; i++) this.sgas[to + i] = this.results[from + i]!;
  }

  /** Gives an sga's memory back. */
  free(sga: number): number {
    return 0 - this.#symbols.demi_sgafree(this.#sgaPlaces[sga]!);
  }

  /** How many segments an sga has. */
  segments(sga: number): number {
    return this.sgas[sga * this.#sgaWords + this.layout.sga.numsegs / 4]!;
  }

  /** The length of a segment in bytes. */
  length(sga: number, segment = 0): number {
    return this.sgas[this.#segment(sga, segment) + this.#lengthAt]!;
  }

  /** Cuts a segment down to its first `length` bytes. */
  cut(sga: number, length: number, segment = 0): void {
    this.sgas[this.#segment(sga, segment) + this.#lengthAt] = length;
  }

  /** Copies the beginning of a segment to an address. */
  copyOut(sga: number, to: number, length: number, segment = 0): void {
    this.#copy.set(0, to);
    this.#copy.set(1, this.#address(this.#segment(sga, segment)));
    this.#memcpy(length);
  }

  /** Copies to the beginning of a segment from an address. */
  copyIn(sga: number, from: number, length: number, segment = 0): void {
    this.#copy.set(0, this.#address(this.#segment(sga, segment)));
    this.#copy.set(1, from);
    this.#memcpy(length);
  }

  /** The address of memory of the caller, to copy to and from, as long as it is referenced. */
  addressOf(bytes: Uint8Array<ArrayBuffer>): number {
    return Number(this.#symbols.address_of(bytes, 0, 0n));
  }

  #memcpy(length: number): void {
    this.#copy.set(2, length);
    const { u64 } = this.#copy;
    this.#symbols.memcpy(u64[0]!, u64[1]!, u64[2]!);
  }

  #segment(sga: number, segment: number): number {
    return sga * this.#sgaWords + this.#segmentsAt + segment * this.#segmentWords;
  }

  /** The address of the data of a segment, which is below 2⁵³. */
  #address(segment: number): number {
    const at = segment + this.#bufAt;
    return this.sgas[at + 1]! * 2 ** 32 + this.sgas[at]!;
  }
}
