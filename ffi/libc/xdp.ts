/**
 * Layouts of AF_XDP sockets: `<linux/if_xdp.h>`, the same on every 64-bit system.
 *
 * @module
 */

import { AF } from "./constants.ts";

/** Socket options of `SOL_XDP`. */
export const XDP = {
  MMAP_OFFSETS: 1,
  RX_RING: 2,
  TX_RING: 3,
  UMEM_REG: 4,
  UMEM_FILL_RING: 5,
  UMEM_COMPLETION_RING: 6,
  STATISTICS: 7,
} as const;

/** Flags of `bind`. */
export const XDP_BIND = { COPY: 2, ZEROCOPY: 4, USE_NEED_WAKEUP: 8 } as const;

/** A flag in a ring: the kernel wants a call to go on. */
export const XDP_RING_NEED_WAKEUP = 1;

/** Where each ring is mapped from: `XDP_PGOFF_*`, `XDP_UMEM_PGOFF_*`. */
export const XDP_PGOFF = {
  RX_RING: 0,
  TX_RING: 0x80000000,
  FILL_RING: 0x100000000,
  COMPLETION_RING: 0x180000000,
} as const;

/**
 * `struct xdp_mmap_offsets`: for each of the rings to receive, to send, to fill and of what is completed, four 64-bit
 * offsets.
 */
export const XDP_OFFSETS = {
  RX: 0,
  TX: 32,
  FILL: 64,
  COMPLETION: 96,
  SIZE: 128,
  PRODUCER: 0,
  CONSUMER: 8,
  DESCRIPTORS: 16,
  FLAGS: 24,
} as const;

/** `struct xdp_desc`: a 64-bit address within the UMEM, length, options. */
export const XDP_DESC = { ADDRESS: 0, LENGTH: 8, OPTIONS: 12, SIZE: 16 } as const;

/** `struct xdp_statistics`, in 64-bit words. */
export const XDP_STATISTICS = { RX_DROPPED: 0, RX_RING_FULL: 3, SIZE: 6 } as const;

/** What the kernel keeps free before a frame. */
export const XDP_PACKET_HEADROOM = 256;

/** `struct xdp_umem_reg`, without what came later: memory in chunks, with more room before each frame. */
export function encodeUmem(
  address: number,
  length: number,
  chunk: number,
  headroom: number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(24));
  view.setBigUint64(0, BigInt(address), true);
  view.setBigUint64(8, BigInt(length), true);
  view.setUint32(16, chunk, true);
  view.setUint32(20, headroom, true);
  return new Uint8Array(view.buffer);
}

/** `struct sockaddr_xdp`: a queue of an interface. */
export function encodeXdpAddress(
  index: number,
  queue: number,
  flags: number,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, AF.XDP, true);
  view.setUint16(2, flags, true);
  view.setUint32(4, index, true);
  view.setUint32(8, queue, true);
  return new Uint8Array(view.buffer);
}
