/**
 * What two ends of a connection tell each other.
 *
 * Messages are tagged ones of UCX's, and the tag is the header: its high word says which connection of the receiver's it is
 * for, its low word what it is. So a message of data is the data and nothing else, and the others are empty. They arrive in
 * the order in which they were sent.
 *
 * A connection begins over TCP, where both ends say hello: little-endian words, followed by the address of the own worker.
 * The one that connects speaks first, and confirms the answer with a byte.
 *
 * @module
 */

/** What a message is, in the four high bits of the tag's low word. The others are an amount. */
export const TYPE = {
  /** Data. */
  DATA: 1,
  /** So many bytes more may be sent. */
  CREDIT: 2,
  /** There will be no more data. */
  FINISH: 3,
  /** The same; and nobody takes any more. */
  CLOSE: 4,
  /** The connection is broken. */
  RESET: 5,
} as const;

/** Where the type is. */
const TYPE_SHIFT = 28;

/** The most that an amount may be. */
export const MOST_CREDIT: number = (1 << TYPE_SHIFT) - 1;

/** What a connection takes unpopped, in bytes; the sender has as much credit at first. */
export const WINDOW: number = 1_000_000;

/** The most data in one message. */
export const LARGEST: number = 1 << 18;

/** What a message costs of the credit at least: it takes so much memory, however short it is. */
const SMALLEST_COST = 64;

/** What a message of so many bytes costs of the credit. */
export function costOf(length: number): number {
  return length < SMALLEST_COST ? SMALLEST_COST : length;
}

/** How many bytes a message may have, with so much credit. */
export function fitting(length: number, credit: number): number {
  if (credit < SMALLEST_COST) return 0;
  return Math.min(length, credit, LARGEST);
}

/** The low word of a tag. */
export function detailOf(type: number, amount: number): number {
  return (type << TYPE_SHIFT) | amount;
}

/** The type in the low word of a tag. */
export function typeOf(detail: number): number {
  return detail >>> TYPE_SHIFT;
}

/** The amount in the low word of a tag. */
export function amountOf(detail: number): number {
  return detail & MOST_CREDIT;
}

/** `CMT1`. */
const MAGIC = 0x31544d43;
/** Where things are in a hello. */
const AT = { MAGIC: 0, ID: 4, WINDOW: 8, KEEP: 12, LENGTH: 14 } as const;

/** What a hello has before the address, in bytes. */
export const HELLO_SIZE = 16;

/** What one end says of itself. */
export interface Hello {
  /** What its tags are to have in their high word. */
  readonly id: number;
  /** How much it takes. */
  readonly window: number;
  /** Of who accepts: whether the TCP connection stays, to tell when either is gone. */
  readonly keep: boolean;
  /** The address of its worker. */
  readonly address: Uint8Array<ArrayBuffer>;
}

/** Lays a hello out. */
export function encodeHello({ id, window, keep, address }: Hello): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HELLO_SIZE + address.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(AT.MAGIC, MAGIC, true);
  view.setUint32(AT.ID, id, true);
  view.setUint32(AT.WINDOW, window, true);
  view.setUint16(AT.KEEP, Number(keep), true);
  view.setUint16(AT.LENGTH, address.length, true);
  bytes.set(address, HELLO_SIZE);
  return bytes;
}

/** The length of the address that follows; 0 for what is no beginning of a hello. */
export function addressLength(header: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(header.buffer, header.byteOffset, HELLO_SIZE);
  return view.getUint32(AT.MAGIC, true) === MAGIC ? view.getUint16(AT.LENGTH, true) : 0;
}

/** Reads a whole hello; null for one that makes no sense. */
export function decodeHello(bytes: Uint8Array<ArrayBuffer>): Hello | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = view.getUint32(AT.ID, true);
  const window = view.getUint32(AT.WINDOW, true);
  if (id > 0x3fffffff || window > MOST_CREDIT) return null;
  return {
    id,
    window,
    keep: view.getUint16(AT.KEEP, true) === 1,
    address: bytes.slice(HELLO_SIZE),
  };
}
