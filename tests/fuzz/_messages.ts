/**
 * What is not TCP: datagrams, ICMP of both versions and what it quotes, groups, neighbours.
 *
 * @module
 */

import type { Input } from "./_input.ts";
import type { Ends } from "./_wire.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";

/** Who the host knows by name: itself, its neighbours, the loopback, groups it is in and not in, all. */
export const ADDRESSES = {
  4: ["10.0.0.1", "10.0.0.3", "10.0.0.2", "10.0.0.4", "10.9.9.9", "10.0.0.255", "127.0.0.1"]
    .concat(["224.0.0.1", "239.1.1.1", "239.2.2.2", "255.255.255.255", "0.0.0.0"])
    .map((text) => IpAddress.parse(text)!),
  6: ["fd00::1", "fd00::3", "fd00::2", "fd00::4", "fd99::9", "fe80::3", "::1"]
    .concat(["ff02::1", "ff02::1:ff00:1", "ff02::77", "fe80::ff:fe00:1", "::"])
    .map((text) => IpAddress.parse(text)!),
} as const;

const [OWN, OTHER] = [0, 1];

/** From a neighbour to the host, or between any two. */
export function drawEnds(input: Input, version: 4 | 6): Ends {
  const all = ADDRESSES[version];
  if (input.below(4) !== 1) return { from: all[OTHER]!, to: all[OWN]! };
  return { from: input.pick(all), to: input.pick(all) };
}

/** A datagram of UDP. */
export function drawDatagram(input: Input): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(8 + input.pick([4, 0, 1, 1000, 1472, 4000]));
  const view = new DataView(payload.buffer);
  view.setUint16(0, input.pick([7, 0, 9, 65_535]));
  view.setUint16(2, input.pick([9, 10, 0, 80, 77]));
  view.setUint16(4, payload.length + (input.below(8) === 1 ? input.near() : 0));
  return payload;
}

/** A message of ICMP, which may quote a packet that the host sent. */
export function drawIcmp(
  input: Input,
  version: 4 | 6,
  quoted: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const type = version === 4
    ? input.pick([3, 8, 11, 12, 0, 4, 5, 13, 17, input.byte()])
    : input.pick([2, 1, 3, 4, 128, 129, 133, 134, 137, input.byte()]);
  const quote = quoted.slice(0, input.pick([28, 48, 60, 8, 0, 1400]));
  if (input.below(4) === 1 && quote.length > 0) quote[input.byte() % quote.length] = input.byte();
  const payload = new Uint8Array(8 + quote.length);
  payload.set([type, input.pick([4, 0, 1, 2, 3, input.byte()])]);
  const mtu = input.pick([1280, 576, 0, 68, 1499, 1500, 9000, input.short()]);
  new DataView(payload.buffer).setUint32(4, input.below(8) === 1 ? input.word() : mtu);
  payload.set(quote, 8);
  return payload;
}

/** A message of IGMP (RFC 2236, RFC 3376). */
export function drawIgmp(input: Input): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(input.pick([8, 12, 4, 16]));
  payload.set([input.pick([0x11, 0x16, 0x17, 0x12, 0x22, input.byte()]), input.byte()]);
  if (payload.length >= 8) payload.set(input.pick(ADDRESSES[4]).bytes, 4);
  return payload;
}

/** A message of Neighbor Discovery or Multicast Listener Discovery. */
export function drawNeighbour6(input: Input): Uint8Array<ArrayBuffer> {
  const type = input.pick([135, 136, 130, 131, 132]);
  const isNdp = type >= 135;
  const options: number[] = [];
  for (let i = isNdp ? input.below(4) : 0; i > 0; i--) {
    const option = [input.pick([1, 2, 5, input.byte()]), input.pick([1, 1, 0, 2, 255]), 2, 0, 0, 0];
    options.push(...option, 0, input.byte());
  }
  const code = input.below(8) === 1 ? input.byte() : 0;
  const flags = input.pick([0x60, 0x40, 0x20, 0, 0xe0]);
  const { bytes } = input.pick(ADDRESSES[6]);
  const payload = Uint8Array.of(type, code, 0, 0, flags, 0, 0, 0, ...bytes, ...options);
  return input.below(8) === 1 ? payload.slice(0, input.below(payload.length)) : payload;
}

/** A packet of ARP; no neighbour that matters is in it, since whoever is on the link may speak for all there. */
export function drawArp(input: Input): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(28 - (input.below(8) === 1 ? input.below(29) : 0));
  const mac = [input.pick([2, 1, 255, 0]), 0, 0, 0, 0, input.pick([3, 4, 1, 255])];
  const fields = [
    0,
    input.pick([1, 1, 1, 6]),
    8,
    0,
    input.pick([6, 6, 6, 8]),
    input.pick([4, 4, 16]),
  ];
  fields.push(0, input.pick([1, 2, 1, 2, 3]), ...mac, ...input.pick(ADDRESSES[4]).bytes);
  fields.push(...mac, ...input.pick(ADDRESSES[4]).bytes);
  packet.set(fields.slice(0, packet.length));
  return packet;
}
