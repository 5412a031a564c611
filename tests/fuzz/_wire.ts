/**
 * Frames to the host under test: right ones, and ones that are wrong in a way that the input says.
 *
 * @module
 */

import { checksum } from "../inetstack/_host.ts";
import type { Input } from "./_input.ts";
import type { IpAddress } from "../../libos/inetstack/ip_address.ts";

/** Where checksums are, by protocol. */
const CHECKSUM_AT: Record<number, number> = { 1: 2, 2: 2, 6: 16, 17: 6, 58: 2 };
/** A device takes no more. */
const MTU = 1500;
/** Fragments of one payload. */
const MOST_PIECES = 48;

/** Who sends a packet to whom. */
export interface Ends {
  readonly from: IpAddress;
  readonly to: IpAddress;
}

/** Lays out packets of one payload, and their frames. */
export class Wire {
  /** Whether something was broken that checksums do not tell of: texts are anything from now on. */
  tainted = false;
  readonly #input: Input;
  #datagrams = 0;

  /** Makes what follows from an input. */
  constructor(input: Input) {
    this.#input = input;
  }

  /** The frames of a payload. */
  frames(
    ends: Ends,
    protocol: number,
    payload: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer>[] {
    const input = this.#input;
    const { from, to } = ends;
    const mode = input.below(16);
    if (mode === 1) this.#spoil(payload);
    sumUp(ends, protocol, payload);
    const ecn = mode === 2 ? input.below(4) : 0;
    const hopLimit = mode === 3 ? input.byte() : protocol === 58 || protocol === 2 ? 255 : 64;
    let packets: Uint8Array<ArrayBuffer>[];
    const head = { ends, ecn, hopLimit };
    if (mode === 4 || mode === 5 || payload.length > MTU - 60) {
      packets = this.#fragments(head, protocol, payload);
    } else if (mode === 6) {
      packets = [this.#extended(head, protocol, payload)];
    } else packets = [packetOf(head, protocol, payload)];
    const frames = packets.map((packet) => frameOf(from.version, to, packet));
    if (mode >= 7 && mode <= 9) frames.forEach((frame) => this.#breakFrame(frame, mode));
    return mode === 10 ? frames.map((frame) => this.#resize(frame)) : frames;
  }

  /** Turns some bytes into others. */
  #spoil(bytes: Uint8Array): void {
    this.tainted = true;
    const input = this.#input;
    for (let i = 1 + input.below(4); i > 0 && bytes.length > 0; i--) {
      bytes[input.byte() % bytes.length] = input.byte();
    }
  }

  /** After the checksums: they tell of it, but for 7, where that of the IP header is right. */
  #breakFrame(frame: Uint8Array<ArrayBuffer>, mode: number): void {
    this.#spoil(frame.subarray(mode === 9 ? 0 : 14));
    if (mode === 7) sumHeader(frame.subarray(14));
  }

  #resize(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const resized = new Uint8Array(Math.min(this.#input.byte() * 6, MTU + 14));
    resized.set(frame.subarray(0, resized.length));
    return resized;
  }

  /** With options or extension headers before the payload, some of which nobody knows. */
  #extended(head: Head, protocol: number, payload: Uint8Array<ArrayBuffer>) {
    const input = this.#input;
    if (head.ends.from.version === 4) {
      const options = input.bytes(40);
      while (options.length % 4 !== 0) options.push(0);
      return packetOf(head, protocol, payload, options);
    }
    let next = protocol;
    let rest = [...payload];
    for (let i = 1 + input.below(9); i > 0; i--) {
      const kind = input.pick([60, 0, 43, 44, 59, 51, input.byte()]);
      const words = kind === 44 ? 0 : input.below(3);
      const header = [next, words, ...input.bytes(6)];
      while (header.length < 8 * (words + 1)) header.push(0);
      rest = [...header, ...rest];
      next = kind;
    }
    return packetOf(head, next, Uint8Array.from(rest).slice(0, MTU - 40));
  }

  /** In pieces, which may lie elsewhere than they belong, be of two datagrams, or come twice, too late or never. */
  #fragments(head: Head, protocol: number, payload: Uint8Array<ArrayBuffer>) {
    const input = this.#input;
    const size = 8 * input.pick([181, 1, 2, 8, 64]);
    const wrong = input.below(4) === 1;
    if (wrong) this.tainted = true;
    const id = wrong ? input.below(4) : 4 + this.#datagrams++;
    const packets: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < payload.length && packets.length < MOST_PIECES; at += size) {
      const offset = wrong ? at + 8 * input.near() : at;
      const more = (at + size < payload.length) !== (wrong && input.below(8) === 1);
      const piece = payload.slice(at, at + size + (wrong ? input.below(4) : 0));
      const packet = fragmentOf(head, protocol, piece.slice(0, MTU - 60), id, offset, more);
      const way = input.below(8);
      if (way === 1) packets.unshift(packet);
      else if (way === 2) packets.push(packet, packet.slice());
      else if (way !== 3) packets.push(packet);
    }
    return packets;
  }
}

/** What a packet's header says. */
interface Head {
  readonly ends: Ends;
  readonly ecn: number;
  readonly hopLimit: number;
}

/** Puts the checksum of a protocol in its payload. */
export function sumUp(ends: Ends, protocol: number, payload: Uint8Array<ArrayBuffer>): void {
  const at = CHECKSUM_AT[protocol];
  if (at === undefined || payload.length < at + 2) return;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  view.setUint16(at, 0);
  view.setUint16(at, checksum(payload, pseudoOf(ends, protocol, payload.length)));
}

/** The sum of the pseudo-header; 0 for a protocol that has none. */
export function pseudoOf({ from, to }: Ends, protocol: number, length: number): number {
  if (protocol === 1 || protocol === 2) return 0;
  const { length: size } = from.bytes;
  const pseudo = new Uint8Array(2 * size + 4);
  pseudo.set(from.bytes);
  pseudo.set(to.bytes, size);
  new DataView(pseudo.buffer).setUint16(2 * size, length);
  pseudo[2 * size + 3] = protocol;
  return ~checksum(pseudo) & 0xffff;
}

function packetOf(
  { ends: { from, to }, ecn, hopLimit }: Head,
  protocol: number,
  payload: Uint8Array,
  options: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const four = from.version === 4;
  const header = four ? 20 + options.length : 40;
  const packet = new Uint8Array(Math.min(header + payload.length, MTU));
  const view = new DataView(packet.buffer);
  if (four) {
    view.setUint32(0, 0x4000_0000 | (header >> 2) << 24 | ecn << 16 | packet.length);
    view.setUint16(6, 0x4000);
    packet[8] = hopLimit;
    packet[9] = protocol;
    packet.set(options, 20);
  } else {
    view.setUint32(0, 0x6000_0000 | ecn << 20);
    view.setUint16(4, packet.length - header);
    packet[6] = protocol;
    packet[7] = hopLimit;
  }
  const at = four ? 12 : 8;
  packet.set(from.bytes, at);
  packet.set(to.bytes, at + from.bytes.length);
  if (four) sumHeader(packet);
  packet.set(payload.subarray(0, packet.length - header), header);
  return packet;
}

function fragmentOf(
  head: Head,
  protocol: number,
  piece: Uint8Array<ArrayBuffer>,
  id: number,
  offset: number,
  more: boolean,
): Uint8Array<ArrayBuffer> {
  if (head.ends.from.version === 4) {
    const packet = packetOf(head, protocol, piece);
    const view = new DataView(packet.buffer);
    view.setUint16(4, id);
    view.setUint16(6, (more ? 0x2000 : 0) | offset >> 3 & 0x1fff);
    sumHeader(packet);
    return packet;
  }
  const bytes = new Uint8Array(8 + piece.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = protocol;
  view.setUint16(2, offset & 0xfff8 | (more ? 1 : 0));
  view.setUint32(4, id);
  bytes.set(piece, 8);
  return packetOf(head, 44, bytes);
}

/** Makes the checksum of an IPv4 header right, if there is a whole one. */
function sumHeader(packet: Uint8Array<ArrayBuffer>): void {
  const header = (packet[0]! & 15) * 4;
  if (packet[0]! >> 4 !== 4 || header < 20 || header > packet.length) return;
  const view = new DataView(packet.buffer, packet.byteOffset);
  view.setUint16(10, 0);
  view.setUint16(10, checksum(packet.subarray(0, header)));
}

function frameOf(version: 4 | 6, to: IpAddress, packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const { bytes } = to;
  const mac = !to.isMulticast
    ? [2, 0, 0, 0, 0, 1]
    : version === 4
    ? [1, 0, 0x5e, bytes[1]! & 127, bytes[2]!, bytes[3]!]
    : [0x33, 0x33, ...bytes.subarray(12)];
  return ethernetOf(mac, version === 4 ? 0x0800 : 0x86dd, packet);
}

/** A frame of a type, from a stranger. */
export function ethernetOf(
  mac: readonly number[],
  type: number,
  packet: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(14 + packet.length);
  frame.set(mac);
  frame.set([2, 0, 0, 0, 0, 3], 6);
  new DataView(frame.buffer).setUint16(12, type);
  frame.set(packet, 14);
  return frame;
}
