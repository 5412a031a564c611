/**
 * Frames as bytes: those of the peer are laid out here, those of the host are read; by the book, and apart from the stack.
 *
 * @module
 */

import { FLAGS } from "./packet_parser.ts";
import { IpAddress } from "../../../libos/inetstack/ip_address.ts";

/** Ethernet addresses of the host and of its peer. */
export const HOST_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
export const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);

/** Numbers of protocols (RFC 9293; RFC 768; RFC 792; RFC 4443). */
export const PROTOCOL = Object.freeze({ icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const);

/** What is in an IP header. */
export interface IpHeader {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: number;
  /** The byte of TOS, or the traffic class. */
  readonly tos: number;
  readonly ttl: number;
}

/** A packet that the host sent. */
export interface IpPacket extends IpHeader {
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** What is in a segment. Numbers are those on the wire. */
export interface WireSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  /** Letters of {@linkcode FLAGS}. */
  readonly flags: string;
  readonly window: number;
  readonly urgent: number;
  readonly options: Uint8Array<ArrayBuffer>;
  readonly text: Uint8Array<ArrayBuffer>;
}

/** The Internet checksum (RFC 1071, section 4.1). */
function checksum(bytes: Uint8Array, before = 0): number {
  let total = before;
  for (let i = 0; i < bytes.length; i++) total += i & 1 ? bytes[i]! : bytes[i]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}

function pseudoSum({ source, destination, protocol }: IpHeader, length: number): number {
  const bytes = Uint8Array.from([...source.bytes, ...destination.bytes, 0, protocol]);
  return (~checksum(bytes) & 0xffff) + length;
}

/** Lays out a frame. */
export function layOutFrame(header: IpHeader, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = layOutPacket(header, payload);
  const frame = new Uint8Array(14 + packet.length);
  frame.set(HOST_MAC);
  frame.set(PEER_MAC, 6);
  frame.set(header.source.version === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  frame.set(packet, 14);
  return frame;
}

/** Lays out a packet (RFC 791, section 3.1; RFC 8200, section 3). */
export function layOutPacket(header: IpHeader, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const { source, destination, protocol, tos, ttl } = header;
  if (source.version === 4) {
    const packet = new Uint8Array(20 + payload.length);
    const view = new DataView(packet.buffer);
    packet[0] = 0x45;
    packet[1] = tos;
    view.setUint16(2, packet.length);
    view.setUint16(6, 0x4000);
    packet[8] = ttl;
    packet[9] = protocol;
    packet.set(source.bytes, 12);
    packet.set(destination.bytes, 16);
    view.setUint16(10, checksum(packet.subarray(0, 20)));
    packet.set(payload, 20);
    return packet;
  }
  const packet = new Uint8Array(40 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x60000000 | tos << 20);
  view.setUint16(4, payload.length);
  packet[6] = protocol;
  packet[7] = ttl;
  packet.set(source.bytes, 8);
  packet.set(destination.bytes, 24);
  packet.set(payload, 40);
  return packet;
}

/** Lays out a segment (RFC 9293, section 3.1). */
export function layOutSegment(
  header: IpHeader,
  segment: WireSegment,
  badChecksum = false,
): Uint8Array<ArrayBuffer> {
  const { options, text } = segment;
  const size = 20 + options.length;
  const bytes = new Uint8Array(size + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  bytes[12] = size << 2;
  bytes[13] = [...segment.flags].reduce((bits, flag) => bits | 1 << FLAGS.indexOf(flag), 0);
  view.setUint16(14, segment.window);
  view.setUint16(18, segment.urgent);
  bytes.set(options, 20);
  bytes.set(text, size);
  view.setUint16(16, checksum(bytes, pseudoSum(header, bytes.length)) ^ (badChecksum ? 1 : 0));
  return bytes;
}

/** Lays out a datagram (RFC 768). */
export function layOutDatagram(
  header: IpHeader,
  ports: readonly [number, number],
  text: Uint8Array,
  badChecksum = false,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ports[0]);
  view.setUint16(2, ports[1]);
  view.setUint16(4, bytes.length);
  bytes.set(text, 8);
  const sum = checksum(bytes, pseudoSum(header, bytes.length)) || 0xffff;
  view.setUint16(6, sum ^ (badChecksum ? 1 : 0));
  return bytes;
}

/** Lays out a message of ICMP: an error, with the packet that it is about (RFC 792; RFC 4443, section 2.1). */
export function layOutIcmp(
  header: IpHeader,
  type: number,
  code: number,
  word: number,
  about: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + about.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = type;
  bytes[1] = code;
  view.setUint32(4, word);
  bytes.set(about, 8);
  const before = header.source.version === 4 ? 0 : pseudoSum(header, bytes.length);
  view.setUint16(2, checksum(bytes, before));
  return bytes;
}

/** Reads a frame of the host, and checks its sums; null for what is neither IPv4 nor IPv6. */
export function readFrame(frame: Uint8Array<ArrayBuffer>): IpPacket | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const packet = frame.subarray(14);
  const address = (version: 4 | 6, from: number) =>
    IpAddress.of(packet.subarray(from, from + (version === 4 ? 4 : 16)));
  switch (view.getUint16(12)) {
    case 0x0800: {
      const header = (packet[0]! & 15) * 4;
      const total = view.getUint16(16);
      if (checksum(packet.subarray(0, header)) !== 0) {
        throw new Error("The sum of an IPv4 header is wrong");
      }
      return {
        source: address(4, 12),
        destination: address(4, 16),
        protocol: packet[9]!,
        tos: packet[1]!,
        ttl: packet[8]!,
        payload: packet.subarray(header, total),
      };
    }
    case 0x86dd:
      return {
        source: address(6, 8),
        destination: address(6, 24),
        protocol: packet[6]!,
        tos: (view.getUint16(14) >> 4) & 0xff,
        ttl: packet[7]!,
        payload: packet.subarray(40, 40 + view.getUint16(18)),
      };
    default:
      return null;
  }
}

/** Whether the checksum of what is in a packet is right. */
export function isSumRight(packet: IpPacket): boolean {
  const { payload, protocol } = packet;
  const before = protocol === PROTOCOL.icmp ? 0 : pseudoSum(packet, payload.length);
  return checksum(payload, before) === 0;
}

/** Reads a segment. */
export function readSegment({ payload }: IpPacket): WireSegment {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const header = (payload[12]! >> 4) * 4;
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: [...FLAGS].filter((_, i) => payload[13]! & 1 << i).join(""),
    window: view.getUint16(14),
    urgent: view.getUint16(18),
    options: payload.slice(20, header),
    text: payload.subarray(header),
  };
}
