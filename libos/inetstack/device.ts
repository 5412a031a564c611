/**
 * What the stack asks of a device, and nothing else: frames in, frames out, each where it lies.
 *
 * A device has one memory to receive from and one to send from (a ring, a UMEM, a plain buffer; they may be the same one),
 * with its typed-array views made once. The stack reads each frame where it was received and writes each frame where it
 * will be sent from; it keeps neither. Devices stack: what loses frames on purpose, traces or captures them is a device
 * over a device.
 *
 * A frame is Ethernet's (IEEE 802.3): destination, source, type, payload; without preamble and check sequence. It is
 * {@linkcode ETHERNET_HEADER} bytes of header and at most {@linkcode Device.mtu} bytes of payload.
 *
 * @module
 */

import type { Memory } from "../runtime/memory/memory.ts";

/** Length of an Ethernet header, in bytes. */
export const ETHERNET_HEADER = 14;

/** Where a device hands over what it received. */
export interface FrameSink {
  /**
   * One frame of `length` bytes at `offset` of {@linkcode Device.receiveMemory}, the device's again when the call
   * returns. It may be of any length: whoever is called checks.
   *
   * `verified` says that the checksums of TCP and UDP need not be looked at: the device verified them, or they never
   * left this machine and were never filled in (a veth, a virtio with checksum offload).
   */
  frame(offset: number, length: number, verified: boolean): void;
}

/** What a device counts, since it was opened. */
export interface DeviceCounters {
  /** Frames handed to the sink. */
  readonly received: number;
  /** Bytes in them. */
  readonly receivedBytes: number;
  /** Frames that came and could not be handed over: no buffer, cut short, malformed. */
  readonly receiveDrops: number;
  /** Frames committed. */
  readonly sent: number;
  /** Bytes in them. */
  readonly sentBytes: number;
  /** Frames committed that the device could not send. */
  readonly sendDrops: number;
}

/**
 * A network device. Nothing of it blocks, and nothing of `receive`, `reserve`, `commit` and `flush` allocates or throws:
 * a frame that cannot be received or sent is dropped and counted, as on a wire.
 */
export interface Device {
  /** Its name in errors and traces, such as `tap0`. */
  readonly name: string;
  /** Its own address, 6 bytes. */
  readonly mac: Uint8Array;
  /** The largest payload of a frame, which is an IP packet: 1500 on Ethernet, 576 at least (1280 for IPv6). */
  readonly mtu: number;
  /** Where received frames lie. */
  readonly receiveMemory: Memory;
  /** Where frames to send are written. */
  readonly sendMemory: Memory;
  /**
   * Whether each frame, received or reserved, begins at an offset of 2 mod 4, so that the words of IP and TCP are aligned.
   * A device that can choose does so; the stack copies the frames of one that cannot.
   */
  readonly aligned: boolean;
  /**
   * Whether it fills in the checksums of TCP and UDP. The stack then leaves the folded sum of the pseudo-header in the
   * checksum's place, as Linux does for CHECKSUM_PARTIAL, and the device sums from the transport header on.
   */
  readonly fillsChecksums: boolean;
  /** A file descriptor that is readable when `receive` has something; -1 if there is none. */
  readonly fd: number;
  /** What it counts. */
  readonly counters: DeviceCounters;

  /** Hands over at most `budget` frames, the oldest first; says how many. */
  receive(sink: FrameSink, budget: number): number;
  /**
   * The offset in {@linkcode Device.sendMemory} of room for one frame of the largest size; -1 if there is none now. The
   * same again until `commit`: a reservation that is not used needs no undoing.
   */
  reserve(): number;
  /** The frame at the reserved offset is written, `length` bytes; it may be sent from now on. */
  commit(length: number): void;
  /** Sends what was committed: one kick of the device for all of it. Cheap if there is nothing. */
  flush(): void;
  /** Called before each sleep: from now on {@linkcode Device.fd} has to tell of every frame. */
  prepareToPark(): void;
  /** Lets go of everything. What was committed and not flushed may be lost. */
  close(): void;
}
