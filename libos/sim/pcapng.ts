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

/** See the module's description. Time stamps are in nanoseconds since 1970. */
export class PcapngWriter {
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;

  /** Begins a file. */
  constructor() {
    const section = new DataView(new ArrayBuffer(16));
    section.setUint32(0, BYTE_ORDER, true);
    section.setUint16(4, 1, true);
    // The length of the section is not known.
    section.setBigInt64(8, -1n, true);
    this.#add(SECTION_HEADER, new Uint8Array(section.buffer));
    const description = new DataView(new ArrayBuffer(20));
    description.setUint16(0, LINKTYPE_ETHERNET, true);
    description.setUint16(8, TIME_RESOLUTION, true);
    description.setUint16(10, 1, true);
    description.setUint8(12, NANOSECONDS);
    this.#add(INTERFACE_DESCRIPTION, new Uint8Array(description.buffer));
  }

  /** Adds a frame that was seen at a time in milliseconds. */
  packet(frame: Uint8Array, time: number): void {
    const padded = (frame.length + 3) & ~3;
    const block = new DataView(new ArrayBuffer(20 + padded));
    const nanoseconds = BigInt(Math.round(time * 1e6));
    block.setUint32(4, Number(nanoseconds >> 32n), true);
    block.setUint32(8, Number(nanoseconds & 0xffffffffn), true);
    block.setUint32(12, frame.length, true);
    block.setUint32(16, frame.length, true);
    const bytes = new Uint8Array(block.buffer);
    bytes.set(frame, 20);
    this.#add(ENHANCED_PACKET, bytes);
  }

  /** The file as it is now. */
  bytes(): Uint8Array<ArrayBuffer> {
    const file = new Uint8Array(this.#length);
    let at = 0;
    for (const block of this.#blocks) {
      file.set(block, at);
      at += block.length;
    }
    return file;
  }

  #add(type: number, body: Uint8Array): void {
    const length = body.length + 12;
    const block = new DataView(new ArrayBuffer(length));
    block.setUint32(0, type, true);
    block.setUint32(4, length, true);
    new Uint8Array(block.buffer).set(body, 8);
    block.setUint32(length - 4, length, true);
    this.#blocks.push(new Uint8Array(block.buffer));
    this.#length += length;
  }
}
