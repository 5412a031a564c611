/**
 * A device over a device that writes every frame to a pcapng file, which Wireshark and tcpdump open.
 *
 * It is written in pieces, at the latest when the libOS sleeps or is closed. Sums that a device does not ask for, of frames
 * between programs of one machine, are in the file as they came: not filled in. What cannot be written ends the capture,
 * which is said once on standard error, and nothing else.
 *
 * @module
 */

import type { Device, DeviceCounters, FrameSink } from "../inetstack/device.ts";
import { DIRECTION, PcapngWriter } from "./pcapng.ts";
import type { Memory } from "../runtime/memory/memory.ts";

/** Bytes that are collected before they are written. */
const PIECE = 1 << 18;

/** See the module's description. */
export class CaptureDevice implements Device, FrameSink {
  readonly #device: Device;
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #writer: PcapngWriter;
  readonly #piece = new Uint8Array(PIECE);
  #filled = 0;
  #hasEnded = false;
  #sink: FrameSink | null = null;

  /**
   * Writes to a file, which is made anew. Throws what `Deno.openSync` throws, and leaves the device open.
   */
  constructor(device: Device, path: string) {
    this.#device = device;
    this.#path = path;
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
    this.#writer = new PcapngWriter((block) => this.#add(block));
  }

  get name(): string {
    return this.#device.name;
  }

  get mac(): Uint8Array {
    return this.#device.mac;
  }

  get mtu(): number {
    return this.#device.mtu;
  }

  get receiveMemory(): Memory {
    return this.#device.receiveMemory;
  }

  get sendMemory(): Memory {
    return this.#device.sendMemory;
  }

  get aligned(): boolean {
    return this.#device.aligned;
  }

  get fillsChecksums(): boolean {
    return this.#device.fillsChecksums;
  }

  get fd(): number {
    return this.#device.fd;
  }

  get counters(): DeviceCounters {
    return this.#device.counters;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    this.#sink = sink;
    return this.#device.receive(this, budget);
  }

  /** See {@linkcode FrameSink.frame}. */
  frame(offset: number, length: number, verified: boolean): void {
    const frame = this.receiveMemory.u8.subarray(offset, offset + length);
    this.#writer.packet(frame, now(), DIRECTION.INBOUND);
    this.#sink!.frame(offset, length, verified);
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    return this.#device.reserve();
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    const offset = this.#device.reserve();
    const frame = this.sendMemory.u8.subarray(offset, offset + length);
    this.#writer.packet(frame, now(), DIRECTION.OUTBOUND);
    this.#device.commit(length);
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {
    this.#device.flush();
  }

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#writePiece();
    this.#device.prepareToPark();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.#writePiece();
    this.#file.close();
    this.#device.close();
  }

  #add(block: Uint8Array<ArrayBuffer>): void {
    if (this.#filled + block.length > PIECE) this.#writePiece();
    if (block.length > PIECE) return this.#write(block);
    this.#piece.set(block, this.#filled);
    this.#filled += block.length;
  }

  #writePiece(): void {
    this.#write(this.#piece.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#hasEnded) return;
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#hasEnded = true;
      console.error(`The capture in ${this.#path} ends: ${(error as Error).message}`);
    }
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
