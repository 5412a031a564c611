/**
 * IP addresses as the stack has them: four 32-bit words as they lie in memory, so that a header's address is compared
 * and hashed without a conversion. An IPv4 address is the last word of its mapped form (RFC 4291, section 2.5.5.2).
 *
 * @module
 */

import { formatAddress, parseAddress } from "../runtime/address.ts";

/** The words of `::ffff:0:0`, after which an IPv4 address follows. */
const MAPPED = 0xffff0000 | 0;

/** An IPv4 or IPv6 address. It never changes. */
export class IpAddress {
  /** 4 or 6. */
  readonly version: 4 | 6;
  /** The words, as they lie in memory. Of IPv4, `w3` is the address. */
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;

  /** Makes an address of its words. */
  constructor(version: 4 | 6, w0: number, w1: number, w2: number, w3: number) {
    this.version = version;
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
  }

  /** Of 4 or 16 bytes. */
  static of(bytes: Uint8Array): IpAddress {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length === 4) return IpAddress.v4(view.getInt32(0, true));
    const words = [0, 4, 8, 12].map((at) => view.getInt32(at, true));
    return new IpAddress(6, words[0]!, words[1]!, words[2]!, words[3]!);
  }

  /** Of the word of an IPv4 address. */
  static v4(word: number): IpAddress {
    return new IpAddress(4, 0, 0, MAPPED, word);
  }

  /** The address that stands for all of a host: `0.0.0.0` or `::`. */
  static any(version: 4 | 6): IpAddress {
    return version === 4 ? IpAddress.v4(0) : new IpAddress(6, 0, 0, 0, 0);
  }

  /** Reads an IPv4 or IPv6 literal, whose zone is not looked at; null if the text is neither. */
  static parse(text: string): IpAddress | null {
    const parsed = parseAddress(text);
    return parsed === null ? null : IpAddress.of(parsed.bytes);
  }

  /** The bytes, in network order. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const words = this.version === 4 ? [this.w3] : [this.w0, this.w1, this.w2, this.w3];
    return new Uint8Array(Int32Array.from(words).buffer);
  }

  /** The IPv4 address that it stands for, if it is a mapped one; else itself. */
  get unmapped(): IpAddress {
    const isMapped = this.version === 6 && (this.w0 | this.w1) === 0 && this.w2 === MAPPED;
    return isMapped ? IpAddress.v4(this.w3) : this;
  }

  /**
   * Whether who has one address gets what is to the other: they are the same, or one stands for all of a host; that of IPv6
   * does so for IPv4, too.
   */
  overlaps(other: IpAddress): boolean {
    if (this.version !== other.version) return (this.version === 6 ? this : other).isUnspecified;
    return this.isUnspecified || other.isUnspecified || this.equals(other);
  }

  /** Whether it is the same address. */
  equals(other: IpAddress): boolean {
    return this.is(other.w0, other.w1, other.w2, other.w3) && this.version === other.version;
  }

  /** Whether it has these words. */
  is(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.w3 === w3 && this.w2 === w2 && this.w1 === w1 && this.w0 === w0;
  }

  /** Whether it stands for all addresses of a host: `0.0.0.0` or `::`. */
  get isUnspecified(): boolean {
    return this.w3 === 0 && (this.version === 4 || (this.w0 | this.w1 | this.w2) === 0);
  }

  /** Whether it is of a host itself: `127.0.0.0/8` (RFC 1122, section 3.2.1.3) or `::1`. */
  get isLoopback(): boolean {
    if (this.version === 4) return (this.w3 & 0xff) === 127;
    return (this.w0 | this.w1 | this.w2) === 0 && this.w3 === 0x01000000;
  }

  /** Whether it names a group: `224.0.0.0/4` (RFC 1112) or `ff00::/8` (RFC 4291, section 2.7). */
  get isMulticast(): boolean {
    return this.version === 4 ? (this.w3 & 0xf0) === 0xe0 : (this.w0 & 0xff) === 0xff;
  }

  /** Whether it is `255.255.255.255`, to all hosts of a link (RFC 919). */
  get isBroadcast(): boolean {
    return this.version === 4 && this.w3 === -1;
  }

  /** Whether it is good on one link alone: `169.254.0.0/16` (RFC 3927) or `fe80::/10` (RFC 4291, section 2.5.6). */
  get isLinkLocal(): boolean {
    return this.version === 4 ? (this.w3 & 0xffff) === 0xfea9 : (this.w0 & 0xc0ff) === 0x80fe;
  }

  /** As text; IPv6 in the form of RFC 5952. */
  toString(): string {
    return formatAddress(this.bytes);
  }
}

/** Mixes the words of an address, so that the low bits of it are a place in a table. Who wants two to be the same, can. */
export function mix(w0: number, w1: number, w2: number, w3: number): number {
  const mixed = Math.imul(w0 ^ w1 ^ Math.imul(w2 ^ w3, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ mixed >>> 16;
}

/** An address and how many of its first bits tell a network: `10.0.0.2/24`. */
export class IpPrefix {
  /** The address as it was given, with the bits beyond the prefix. */
  readonly address: IpAddress;
  /** How many bits. */
  readonly length: number;
  readonly #mask: IpAddress;

  /** Makes a prefix; the length fits the address. */
  constructor(address: IpAddress, length: number) {
    this.address = address;
    this.length = length;
    const bytes = address.bytes.map((_, i) => 0xff00 >> Math.min(8, Math.max(0, length - 8 * i)));
    this.#mask = IpAddress.of(bytes);
  }

  /** Reads `10.0.0.2/24` or `fd00::2/64`; null if the text is neither. */
  static parse(text: string): IpPrefix | null {
    const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
    const address = match && IpAddress.parse(match[1]!);
    if (!address) return null;
    const length = Number(match[2]);
    return length <= (address.version === 4 ? 32 : 128) ? new IpPrefix(address, length) : null;
  }

  /** Whether an address is in the network. */
  contains(other: IpAddress): boolean {
    const { address } = this;
    const mask = this.#mask;
    if (other.version !== address.version) return false;
    if (((other.w3 ^ address.w3) & mask.w3) !== 0) return false;
    return address.version === 4 ||
      (((other.w0 ^ address.w0) & mask.w0) | ((other.w1 ^ address.w1) & mask.w1) |
          ((other.w2 ^ address.w2) & mask.w2)) === 0;
  }

  /** The address to all hosts of an IPv4 network (RFC 919); null if there is none: IPv6, /31 (RFC 3021), /32. */
  get broadcast(): IpAddress | null {
    if (this.address.version === 6 || this.length > 30) return null;
    return IpAddress.v4(this.address.w3 | ~this.#mask.w3);
  }

  /** Whether the address names the network itself and no host of it: no bit beyond the prefix is set. */
  get isNetwork(): boolean {
    return this.broadcast !== null && (this.address.w3 & ~this.#mask.w3) === 0;
  }

  /** As text. */
  toString(): string {
    return `${this.address}/${this.length}`;
  }
}
