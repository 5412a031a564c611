/**
 * memif, version 2.0, as DPDK, VPP and libmemif have it: the messages on its socket, and its rings. Everything is
 * little-endian.
 *
 * The client owns all memory. It makes regions, which the server maps, and rings in them: those to the server, in which
 * it puts frames, and those from the server, in which it puts empty buffers. `head` is the client's to move, `tail` the
 * server's.
 *
 * @module
 */

/** The version spoken here. */
export const VERSION = 0x0200;

/** What a message is. */
export const TYPE = {
  NONE: 0,
  ACK: 1,
  HELLO: 2,
  INIT: 3,
  ADD_REGION: 4,
  ADD_RING: 5,
  CONNECT: 6,
  CONNECTED: 7,
  DISCONNECT: 8,
} as const;

/** Offsets of the fields of each message, in bytes, and the size of all messages. */
export const MESSAGE = {
  SIZE: 128,
  TYPE: 0,
  HELLO: {
    NAME: 2,
    LEAST_VERSION: 34,
    MOST_VERSION: 36,
    LAST_REGION: 38,
    LAST_RING_FROM_SERVER: 40,
    LAST_RING_TO_SERVER: 42,
    LOG2_RING_SIZE: 44,
  },
  INIT: { VERSION: 2, ID: 4, MODE: 8, SECRET: 9, NAME: 33 },
  ADD_REGION: { INDEX: 2, SIZE: 4 },
  ADD_RING: { FLAGS: 2, INDEX: 4, REGION: 6, OFFSET: 8, LOG2_SIZE: 12, PRIVATE_HEADER: 13 },
  CONNECT: { NAME: 2 },
  DISCONNECT: { CODE: 2, REASON: 6, REASON_SIZE: 96 },
} as const;

/** Sizes of names and of the secret, in bytes. */
export const NAME_SIZE = 32;
export const SECRET_SIZE = 24;

/** The mode of an interface whose frames are Ethernet's. */
export const MODE_ETHERNET = 0;

/** A flag of `ADD_RING`: the ring is to the server. */
export const TO_SERVER = 1;

/** Offsets in a ring, in bytes: its header, and the descriptors behind it. */
export const RING = {
  COOKIE: 0,
  FLAGS: 4,
  HEAD: 6,
  TAIL: 64,
  DESCRIPTORS: 128,
  DESCRIPTOR_SIZE: 16,
  /** What a ring begins with. */
  MAGIC: 0x3e31f20,
  /** A flag: whoever takes from the ring looks by itself, and need not be woken. */
  MASKED: 1,
  /** The most slots that indices of 16 bits can tell apart here, as a power of two. */
  MOST_LOG2: 14,
} as const;

/** Offsets in a descriptor, in bytes. */
export const DESCRIPTOR = {
  FLAGS: 0,
  REGION: 2,
  LENGTH: 4,
  OFFSET: 8,
  /** A flag: the frame goes on in the next slot. */
  NEXT: 1,
} as const;

/** Bytes that a ring of so many slots takes. */
export function ringBytes(slots: number): number {
  return RING.DESCRIPTORS + slots * RING.DESCRIPTOR_SIZE;
}
