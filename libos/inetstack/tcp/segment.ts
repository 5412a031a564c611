/**
 * The segment that came and is being looked at: one object per host, written anew for each segment.
 *
 * @module
 */

import { Memory } from "../../runtime/memory/memory.ts";
import type { Packet } from "../ip/packet.ts";
import { swap16, swap32 } from "../wire/byte_order.ts";
import { FLAG, MOST_SCALE, OPTION, TCP, TIMESTAMPS_HEAD, TIMESTAMPS_SIZE } from "../wire/tcp.ts";

/** See the module's description. */
export class Segment {
  /** Where it lies. */
  memory: Memory = NOTHING;
  /** SEG.SEQ */
  seq = 0;
  /** SEG.ACK */
  ack = 0;
  /** SEG.WND, as it was sent: not scaled. */
  window = 0;
  /** The control bits. */
  flags = 0;
  /** Where its text begins. */
  payload = 0;
  /** How much text there is, in bytes. */
  length = 0;
  /** Whether it has timestamps. */
  hasTimestamps = false;
  /** SEG.TSval */
  tsValue = 0;
  /** SEG.TSecr */
  tsEcho = 0;
  /** The MSS option of a SYN; 0 if it has none. */
  mss = 0;
  /** The window scale option of a SYN; -1 if it has none. */
  windowScale = -1;
  /** Whether a SYN permits selective acknowledgments. */
  sackPermitted = false;

  /** How many blocks of selective acknowledgments it has. */
  sackBlocks = 0;
  /** Where the first of them begins. */
  sackAt = 0;

  /** SEG.LEN: the text, SYN and FIN. */
  get span(): number {
    const { flags } = this;
    return this.length + ((flags >> 1) & 1) + (flags & 1);
  }

  /** Reads the segment in a packet; says whether it is well-formed. The checksum is not looked at. */
  parse(packet: Packet): boolean {
    const { memory, payload, length } = packet;
    if (length < TCP.SIZE) return false;
    const { i32 } = memory;
    const word = payload >> 2;
    const fourth = i32[word + 3]!;
    const header = (fourth & 0xf0) >> 2;
    if (header < TCP.SIZE || header > length) return false;
    this.memory = memory;
    this.seq = swap32(i32[word + 1]!);
    this.ack = swap32(i32[word + 2]!);
    this.flags = (fourth >>> 8) & 0xff;
    this.window = swap16(fourth >>> 16);
    this.payload = payload + header;
    this.length = length - header;
    this.sackBlocks = 0;
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    if (header === TCP.SIZE + TIMESTAMPS_SIZE && i32[word + 5] === TIMESTAMPS_HEAD) {
      this.hasTimestamps = true;
      this.tsValue = swap32(i32[word + 6]!);
      this.tsEcho = swap32(i32[word + 7]!);
    } else {
      this.hasTimestamps = false;
      if (header > TCP.SIZE) this.#parseOptions(payload + TCP.SIZE, payload + header);
    }
    return true;
  }

  /** Unknown options are skipped (RFC 9293, MUST-6); one whose length is wrong ends what can be read. */
  #parseOptions(from: number, end: number): void {
    const { u8 } = this.memory;
    const syn = (this.flags & FLAG.SYN) !== 0;
    for (let at = from; at < end;) {
      const kind = u8[at]!;
      if (kind === OPTION.END) return;
      if (kind === OPTION.NO_OPERATION) {
        at++;
        continue;
      }
      const length = at + 1 < end ? u8[at + 1]! : 0;
      if (length < 2 || at + length > end) return;
      if (kind === OPTION.TIMESTAMPS && length === 10) {
        this.hasTimestamps = true;
        this.tsValue = read32(u8, at + 2);
        this.tsEcho = read32(u8, at + 6);
      } else if (kind === OPTION.SACK && (length & 7) === 2) {
        this.sackBlocks = length >> 3;
        this.sackAt = at + 2;
      } else if (syn) this.#parseSynOption(kind, length, at);
      at += length;
    }
  }

  /** Options that are good in a SYN alone. */
  #parseSynOption(kind: number, length: number, at: number): void {
    const { u8 } = this.memory;
    if (kind === OPTION.MSS && length === 4) this.mss = u8[at + 2]! << 8 | u8[at + 3]!;
    else if (kind === OPTION.WINDOW_SCALE && length === 3) {
      // A larger one counts as the largest (RFC 7323, section 2.3).
      this.windowScale = Math.min(u8[at + 2]!, MOST_SCALE);
    } else if (kind === OPTION.SACK_PERMITTED && length === 2) this.sackPermitted = true;
  }
}

const NOTHING = new Memory(new ArrayBuffer(0));

/** Reads a word that lies anywhere. */
export function read32(u8: Uint8Array, at: number): number {
  return u8[at]! << 24 | u8[at + 1]! << 16 | u8[at + 2]! << 8 | u8[at + 3]!;
}
