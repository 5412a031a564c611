/**
 * The packet of the Address Resolution Protocol (RFC 826), for IPv4 over Ethernet.
 *
 * @module
 */

import type { Memory } from "../../runtime/memory/memory.ts";
import type { MacAddress } from "./ethernet.ts";

/** Where the fields are. */
export const ARP = Object.freeze(
  {
    HARDWARE: 0,
    PROTOCOL: 2,
    LENGTHS: 4,
    OPERATION: 6,
    SENDER_MAC: 8,
    SENDER_IP: 14,
    TARGET_MAC: 18,
    TARGET_IP: 24,
    /** Length of the packet. */
    SIZE: 28,
  } as const,
);

/** What a packet is, as the word lies in memory. */
export const ARP_OPERATION = Object.freeze({ REQUEST: 0x0100, REPLY: 0x0200 } as const);

/** Hardware 1 (Ethernet) and protocol 0x0800 (IPv4), as the word lies in memory. */
const ETHERNET_IPV4 = 0x00080100;
/** Lengths of 6 and 4. */
const LENGTHS = 0x0406;

/** Whether so many bytes at an aligned place are a packet for IPv4 over Ethernet. */
export function isArp(memory: Memory, at: number, length: number): boolean {
  return length >= ARP.SIZE && memory.i32[at >> 2] === ETHERNET_IPV4 &&
    memory.u16[(at + ARP.LENGTHS) >> 1] === LENGTHS;
}

/** Writes a packet; addresses are words as they lie in memory. */
export function emitArp(
  memory: Memory,
  at: number,
  operation: number,
  sender: MacAddress,
  senderIp: number,
  targetHigh: number,
  targetLow: number,
  targetIp: number,
): void {
  const { u16, i32 } = memory;
  i32[at >> 2] = ETHERNET_IPV4;
  i32[(at + ARP.LENGTHS) >> 2] = LENGTHS | operation << 16;
  i32[(at + ARP.SENDER_MAC) >> 2] = sender.high | sender.low << 16;
  u16[(at + ARP.SENDER_MAC + 4) >> 1] = sender.low >>> 16;
  u16[(at + ARP.SENDER_IP) >> 1] = senderIp;
  u16[(at + ARP.SENDER_IP + 2) >> 1] = senderIp >>> 16;
  u16[(at + ARP.TARGET_MAC) >> 1] = targetHigh;
  i32[(at + ARP.TARGET_MAC + 2) >> 2] = targetLow;
  i32[(at + ARP.TARGET_IP) >> 2] = targetIp;
}
