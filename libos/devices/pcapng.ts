/**
 * Frames as a pcapng file (draft-ietf-opsawg-pcapng), which Wireshark and tcpdump open.
 *
 * @module
 */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;
/** Option `if_tsresol`: the unit of time stamps, as a negative power of ten. */
const TIME_RESOLUTION = 9;
const NANOSECONDS = 9;
/** Option `epb_flags`: which way a frame went. */
const FLAGS = 2;

/** Which way a frame went, seen from the interface. */
export const DIRECTION = Object.freeze({ UNKNOWN: 0, INBOUND: 1, OUTBOUND: 2 } as const);

/** Writes the blocks of a file. Time stamps are in nanoseconds since 1970. */
export class PcapngWriter {
  readonly #write: (block: Uint8Array<ArrayBuffer>) => void;

  /** Begins a file, whose blocks are given to a function one by one. */
  constructor(write: (block: Uint8Array<ArrayBuffer>) => void) {
    this.#write = write;
    const section = new DataView(new ArrayBuffer(16));
    section.setUint32(0, BYTE_ORDER, true);
    section.setUint16(4, 1, true);
    // The length of the section is not known.
    section.setBigInt64(8, -1n, true);
    this.#add(SECTION_HEADER, section);
    const description = new DataView(new ArrayBuffer(20));
    description.setUint16(0, LINKTYPE_ETHERNET, true);
    description.setUint16(8, TIME_RESOLUTION, true);
    description.setUint16(10, 1, true);
    description.setUint8(12, NANOSECONDS);
    this.#add(INTERFACE_DESCRIPTION, description);
  }

  /** Adds a frame that was seen at a time in milliseconds, going one of {@linkcode DIRECTION}. */
  packet(frame: Uint8Array, time: number, direction: number = DIRECTION.UNKNOWN): void {
    const padded = (frame.length + 3) & ~3;
    const block = new DataView(new ArrayBuffer(32 + padded));
    const nanoseconds = BigInt(Math.round(time * 1e6));
    block.setUint32(4, Number(nanoseconds >> 32n), true);
    block.setUint32(8, Number(nanoseconds & 0xffffffffn), true);
    block.setUint32(12, frame.length, true);
    block.setUint32(16, frame.length, true);
    new Uint8Array(block.buffer).set(frame, 20);
    block.setUint16(20 + padded, FLAGS, true);
    block.setUint16(22 + padded, 4, true);
    block.setUint32(24 + padded, direction, true);
    this.#add(ENHANCED_PACKET, block);
  }

  #add(type: number, body: DataView<ArrayBuffer>): void {
    const length = body.byteLength + 12;
    const block = new DataView(new ArrayBuffer(length));
    block.setUint32(0, type, true);
    block.setUint32(4, length, true);
    new Uint8Array(block.buffer).set(new Uint8Array(body.buffer), 8);
    block.setUint32(length - 4, length, true);
    this.#write(new Uint8Array(block.buffer));
  }
}
