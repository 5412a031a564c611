/**
 * The Ethernet header (IEEE 802.3), and its addresses.
 *
 * @module
 */

import type { Memory } from "../../runtime/memory/memory.ts";

/** Where the fields are. */
export const ETHERNET = Object.freeze(
  {
    DESTINATION: 0,
    SOURCE: 6,
    TYPE: 12,
    /** Length of the header. */
    SIZE: 14,
  } as const,
);

/** The types, as 16-bit words lie in memory. */
export const ETHERTYPE = Object.freeze(
  {
    IPV4: 0x0008,
    ARP: 0x0608,
    IPV6: 0xdd86,
    VLAN: 0x0081,
    SERVICE_VLAN: 0xa888,
  } as const,
);

/** An Ethernet address as it lies in memory: its first two bytes, and its last four. It never changes. */
export class MacAddress {
  /** Bytes 0 and 1. */
  readonly high: number;
  /** Bytes 2 to 5. */
  readonly low: number;

  /** Makes an address of its words. */
  constructor(high: number, low: number) {
    this.high = high & 0xffff;
    this.low = low | 0;
  }

  /** Of 6 bytes. */
  static of(bytes: Uint8Array): MacAddress {
    return new MacAddress(
      bytes[0]! | bytes[1]! << 8,
      bytes[2]! | bytes[3]! << 8 | bytes[4]! << 16 | bytes[5]! << 24,
    );
  }

  /** Reads `02:00:00:00:00:01`; null if the text is no address. */
  static parse(text: string): MacAddress | null {
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return null;
    return MacAddress.of(Uint8Array.from(text.split(":"), (byte) => parseInt(byte, 16)));
  }

  /** The bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const { high, low } = this;
    return Uint8Array.of(high, high >> 8, low, low >> 8, low >> 16, low >> 24);
  }

  /** As text: `02:00:00:00:00:01`. */
  toString(): string {
    return Array.from(this.bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
  }
}

/** The address of all stations of a link. */
export const BROADCAST: MacAddress = new MacAddress(0xffff, -1);

/** Writes the header of an aligned frame. */
export function emitEthernet(
  memory: Memory,
  frame: number,
  destinationHigh: number,
  destinationLow: number,
  source: MacAddress,
  type: number,
): void {
  const { u16, i32 } = memory;
  const { high, low } = source;
  u16[frame >> 1] = destinationHigh;
  i32[(frame + 2) >> 2] = destinationLow;
  i32[(frame + 6) >> 2] = high | low << 16;
  i32[(frame + 10) >> 2] = low >>> 16 | type << 16;
}
