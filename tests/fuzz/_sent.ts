/**
 * What the host sends, whatever came: packets of the right length, with right checksums, and the right text in them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { checksum } from "../inetstack/_host.ts";
import { checkText } from "./_input.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { pseudoOf } from "./_wire.ts";

const MTU = 1500;

/** Fails if a frame of the host is not as it has to be. */
export function checkSent(frame: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(frame.buffer);
  const type = view.getUint16(12);
  assert(frame.length <= MTU + 14, "a frame is too long");
  if (type === 0x0806) return assertEquals(frame.length, 14 + 28, "length of ARP");
  assert(type === 0x0800 || type === 0x86dd, "a frame is of no known type");
  const packet = frame.subarray(14);
  if (type === 0x0800) check4(packet, view);
  else check6(packet, view);
}

function check4(packet: Uint8Array<ArrayBuffer>, view: DataView): void {
  const header = (packet[0]! & 15) * 4;
  assertEquals(view.getUint16(16), packet.length, "length of IPv4");
  assertEquals(checksum(packet.subarray(0, header)), 0, "checksum of IPv4");
  if ((view.getUint16(20) & 0x3fff) !== 0) return;
  const [from, to] = [packet.slice(12, 16), packet.slice(16, 20)].map((one) => ipOf(one));
  checkPayload(packet.subarray(header), packet[9]!, from!, to!);
}

function check6(packet: Uint8Array<ArrayBuffer>, view: DataView): void {
  assertEquals(view.getUint16(18), packet.length - 40, "length of IPv6");
  const [from, to] = [packet.slice(8, 24), packet.slice(24, 40)].map((one) => ipOf(one));
  const isExtended = packet[6] === 0;
  if (packet[6] === 44) return;
  const protocol = isExtended ? packet[40]! : packet[6]!;
  checkPayload(packet.subarray(isExtended ? 48 : 40), protocol, from!, to!);
}

function ipOf(bytes: Uint8Array<ArrayBuffer>): IpAddress {
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) return IpAddress.v4(view.getInt32(0, true));
  const words = [0, 4, 8, 12].map((at) => view.getInt32(at, true));
  return new IpAddress(6, words[0]!, words[1]!, words[2]!, words[3]!);
}

function checkPayload(
  payload: Uint8Array<ArrayBuffer>,
  protocol: number,
  from: IpAddress,
  to: IpAddress,
): void {
  const known = [1, 2, 6, 17, 58].includes(protocol);
  assert(known, `something of protocol ${protocol} is sent`);
  const isPlain = protocol === 17 && payload[6] === 0 && payload[7] === 0;
  const sum = checksum(payload, pseudoOf({ from, to }, protocol, payload.length));
  if (!isPlain) assertEquals(sum, 0, `checksum of protocol ${protocol}`);
  if (protocol !== 6) return;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const header = (payload[12]! >> 4) * 4;
  assert(header >= 20 && header <= payload.length, "the header of a segment is too short");
  const isSyn = (payload[13]! & 2) !== 0;
  const isKeepalive = payload.length === header;
  if (!isSyn && !isKeepalive) checkText(payload.subarray(header), view.getInt32(4), "sent text");
}
