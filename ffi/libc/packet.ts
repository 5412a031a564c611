/**
 * Layouts of packet sockets: `<linux/if_packet.h>`, version 2 of their ring, which is the same on every 64-bit system.
 *
 * @module
 */

import { AF } from "./constants.ts";

/** `ETH_P_ALL`, `<linux/if_ether.h>`. */
const ETH_P_ALL = 3;

/** Socket options of `SOL_PACKET`. */
export const PACKET = {
  ADD_MEMBERSHIP: 1,
  RX_RING: 5,
  STATISTICS: 6,
  COPY_THRESH: 7,
  VERSION: 10,
  QDISC_BYPASS: 20,
  IGNORE_OUTGOING: 23,
} as const;

/** `TPACKET_V2`. */
export const TPACKET_V2 = 1;

/** `struct tpacket2_hdr`: offsets in bytes of what is before each frame of a ring. */
export const TPACKET2 = { STATUS: 0, LENGTH: 4, CAPTURED: 8, MAC: 12, VLAN: 24 } as const;

/** `TP_STATUS_*`, as far as frames that are received have them. */
export const TP_STATUS = {
  KERNEL: 0,
  USER: 0x1,
  COPY: 0x2,
  CSUM_NOT_READY: 0x8,
  VLAN_VALID: 0x10,
  CSUM_VALID: 0x80,
} as const;

/** Where in a slot of a ring the frame of a `SOCK_RAW` socket begins: behind the header, aligned for IP. */
export const TPACKET2_FRAME = 66;

/** `struct tpacket_stats`, in 32-bit words. */
export const PACKET_STATISTICS = { PACKETS: 0, DROPS: 1, SIZE: 2 } as const;

/** `struct tpacket_req`: a ring of blocks, which are cut into slots. */
export function encodeRing(
  blockSize: number,
  blocks: number,
  slotSize: number,
): Uint8Array<ArrayBuffer> {
  const slots = blocks * Math.floor(blockSize / slotSize);
  return new Uint8Array(Uint32Array.of(blockSize, blocks, slotSize, slots).buffer);
}

/** `struct sockaddr_ll`: all protocols of an interface. */
export function encodeLinkAddress(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF.PACKET, true);
  view.setUint16(2, ETH_P_ALL);
  view.setInt32(4, index, true);
  return bytes;
}

/** `PACKET_MR_*`: what an interface is to receive as well. */
export const PACKET_MR = { ALLMULTI: 2, UNICAST: 3 } as const;

/** `struct packet_mreq`, for all groups or for one more Ethernet address. */
export function encodeMembership(
  index: number,
  type: number,
  address: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, index, true);
  view.setUint16(4, type, true);
  view.setUint16(6, address.length, true);
  bytes.set(address, 8);
  return bytes;
}

/** `struct mmsghdr`, in 64-bit words: a header of a message, and how much of it was sent. */
export const MMSGHDR_WORDS = 8;
