/**
 * An AF_XDP socket: frames of one queue of an interface, in memory that is shared with the driver or the kernel. A program
 * of ours gives it what is for our addresses; the kernel has everything else, as before.
 *
 * To look for a frame is a look at memory. What goes is sent by one call for all frames of a turn, where the kernel asks
 * for one. There are as many frames as the rings take, half of them to send: none is made or lost while it runs, and
 * `counters` tells how many are free.
 *
 * @module
 */

import {
  checkInteger,
  checkInterfaceName,
  deviceError,
  opening,
  usableInterface,
} from "../interface.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import { copy, type Memory } from "../../runtime/memory/memory.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../../inetstack/device.ts";
import { Doorbell } from "../doorbell.ts";
import { errno } from "../../../ffi/libc/memory.ts";
import { Errno, inspect } from "../../error.ts";
import { FrameCounters } from "../counters.ts";
import type { IpAddress } from "../../inetstack/ip_address.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { MSG, SOL } from "../../../ffi/libc/constants.ts";
import { Words } from "../../../ffi/libc/words.ts";
import { XDP, XDP_DESC, XDP_PACKET_HEADROOM, XDP_STATISTICS } from "../../../ffi/libc/xdp.ts";
import { type XdpMode, XdpSocket } from "./socket.ts";

/** An AF_XDP socket to open. */
export interface XdpOptions {
  /** What it is. */
  readonly kind: "xdp";
  /** The name of the interface, which has to be up. */
  readonly interface: string;
  /**
   * The queue of the interface whose frames are wanted.
   *
   * @default {0}
   */
  readonly queue?: number;
  /** `native` is in the driver, `generic` in the kernel behind it; by default the best one that works. */
  readonly mode?: XdpMode;
}

/** Checks the options. Throws {@linkcode DemikernelError} `EINVAL`. */
export function checkXdp({ interface: name, queue = 0, mode }: XdpOptions): void {
  checkInterfaceName(name);
  checkInteger("queue", queue, 0, 4095);
  if (mode !== undefined && mode !== "native" && mode !== "generic") {
    throw deviceError("EINVAL", `mode must be native or generic, not ${inspect(mode)}`);
  }
}

/** Frames to receive, and as many to send. */
const FRAMES = 2048;
/** Bytes of a frame with what is before it: it has to lie in one page. */
const CHUNKS = [2048, 4096] as const;
/** Where a frame begins, so that the words of its packet are aligned. */
const START = 2;
/** So often that nothing came, it is looked whether the driver wants to be called. */
const EMPTY_LOOKS = 64;
/** How many calls in a row send what is to be sent: a copying socket sends 32 frames in each. */
const CALLS = 2 * FRAMES / 32;

/** What an XDP device counts. */
class XdpCounters extends FrameCounters {
  /** How frames come. */
  mode = "";
  /** How often there was no frame left to send. */
  fullRings = 0;
  /** How often a sleep was over. */
  wakeups = 0;
  /** Frames to send that there are, and that are not under way. */
  frames: number = FRAMES;
  freeFrames: number = FRAMES;
}

/** See the module's description. */
export class XdpDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly #libc: Libc = libc();
  readonly #socket: XdpSocket;
  readonly #doorbell: Doorbell;
  readonly #counters = new XdpCounters();
  readonly #statistics = new BigUint64Array(XDP_STATISTICS.SIZE);
  readonly #none = new Words(1);
  readonly #chunk: number;
  readonly #frameSize: number;
  /** Where frames that are to be sent, and are not under way, begin in the UMEM; as many as the first number says. */
  readonly #free = new Int32Array(FRAMES);
  #freeCount = FRAMES;
  /** The one of them that is reserved; -1 if none is. */
  #reserved = -1;
  /** Where a frame is put that is not aligned. */
  readonly #whole: number;
  #isPending = false;
  /** How often nothing has come since it was last looked whether the driver wants to be called. */
  #emptyLooks = 0;
  /** Receive drops that are not the kernel's. */
  #dropped = 0;
  /** What {@linkcode XdpDevice.close} lets go of. */
  readonly #opened: DisposableStack;

  /**
   * Opens one, for packets to addresses. Throws {@linkcode DemikernelError} with what is missing: `ENODEV`, `ENETDOWN`,
   * `EPERM`, `EBUSY`, `ENOTSUP`.
   */
  constructor(options: XdpOptions, addresses: readonly IpAddress[], linear: LinearMemory) {
    checkXdp(options);
    const { interface: name, queue = 0, mode } = options;
    const found = usableInterface(name, "ip link shows which there are");
    this.name = name;
    this.mac = found.mac;
    this.mtu = found.mtu;
    this.#frameSize = ETHERNET_HEADER + found.mtu;
    const least = XDP_PACKET_HEADROOM + START + this.#frameSize;
    const chunk = CHUNKS.find((one) => one >= least);
    if (chunk === undefined) {
      const most = CHUNKS[1] - least + found.mtu;
      throw deviceError(
        "ENOTSUP",
        `the frames of ${name} do not fit in a page: ip link set ${name} mtu ${most}`,
      );
    }
    this.#chunk = chunk;
    using opened = new DisposableStack();
    const socket = opening(`AF_XDP socket on queue ${queue} of ${name}`, {
      EPERM: "permission denied; run as root, or with CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF",
      EBUSY: "another process has that queue, or another XDP program is there: ip link show",
      EINVAL: "the interface has no such queue",
      EAFNOSUPPORT: "the kernel has no AF_XDP",
      ENOBUFS: "the memory that may be locked is too little: ulimit -l",
      ENOTSUP: `the driver takes no XDP programs${mode === "native" ? "; leave mode out" : ""}`,
    }, () =>
      new XdpSocket({
        index: found.index,
        interface: name,
        queue,
        addresses,
        mode,
        chunk,
        headroom: START,
        size: FRAMES,
        linear,
      }));
    this.#socket = opened.adopt(socket, (socket) => socket.close());
    this.#counters.mode = this.#socket.how;
    this.receiveMemory = this.sendMemory = this.#socket.memory;
    this.#whole = linear.reserve(START + this.#frameSize).byteOffset + START;
    this.#doorbell = opened.adopt(new Doorbell(socket.fd), (doorbell) => doorbell.close());
    for (let i = 0; i < FRAMES; i++) {
      this.#give(i * chunk);
      this.#free[i] = (FRAMES + i) * chunk;
    }
    socket.fill.publish();
    this.#opened = opened.move();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#doorbell.fd;
  }

  /** See {@linkcode Device.counters}: what there was no room for is the kernel's to tell. */
  get counters(): XdpCounters {
    const bytes = new Uint8Array(this.#statistics.buffer);
    const size = new Uint8Array(Uint32Array.of(bytes.length).buffer);
    this.#libc.getsockopt(this.#socket.fd, SOL.XDP, XDP.STATISTICS, bytes, size);
    const { RX_DROPPED, RX_RING_FULL } = XDP_STATISTICS;
    const kernels = this.#statistics[RX_DROPPED]! + this.#statistics[RX_RING_FULL]!;
    this.#counters.receiveDrops = this.#dropped + Number(kernels);
    this.#reclaim();
    this.#counters.freeFrames = this.#freeCount + (this.#reserved < 0 ? 0 : 1);
    return this.#counters;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    if (this.#doorbell.armed) {
      this.#doorbell.disarm();
      this.#counters.wakeups++;
    }
    if (this.#isPending) this.flush();
    const { rx, fill, frames } = this.#socket;
    const { i32 } = this.receiveMemory;
    const ready = Math.min(rx.distance(), budget);
    if (ready === 0) {
      // A driver that found nothing to fill waits for a call, and nothing comes before that.
      if (++this.#emptyLooks === EMPTY_LOOKS) this.#wakeDriver();
      return 0;
    }
    for (let i = 0; i < ready; i++) {
      const word = rx.next();
      const address = i32[word]!;
      const length = i32[word + (XDP_DESC.LENGTH >> 2)]!;
      rx.advance();
      this.#take(sink, frames + address, length);
      this.#give(address & -this.#chunk);
    }
    rx.publish();
    fill.publish();
    this.#wakeDriver();
    return ready;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    if (this.#reserved < 0) {
      if (this.#freeCount === 0) {
        this.flush();
        this.#reclaim();
        if (this.#freeCount === 0) {
          this.#counters.fullRings++;
          return -1;
        }
      }
      this.#reserved = this.#free[--this.#freeCount]!;
    }
    return this.#socket.frames + this.#reserved + START;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    const { i32 } = this.sendMemory;
    const { tx } = this.#socket;
    const word = tx.next();
    i32[word] = this.#reserved + START;
    this.#reserved = -1;
    i32[word + 1] = 0;
    i32[word + (XDP_DESC.LENGTH >> 2)] = length;
    i32[word + (XDP_DESC.OPTIONS >> 2)] = 0;
    tx.advance();
    this.#isPending = true;
    this.#counters.countSent(length);
  }

  /** See {@linkcode Device.flush}. What the kernel does not take now, it is asked for again. */
  flush(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    const { tx, fd } = this.#socket;
    tx.publish();
    for (let i = 0; i < CALLS && tx.needsWakeup; i++) {
      if (this.#libc.send(fd, this.#none.u64[0]!, this.#none.u64[0]!, MSG.DONTWAIT) >= 0) return;
      const error = errno();
      if (error !== Errno.EAGAIN && error !== Errno.EBUSY && error !== Errno.ENOBUFS) break;
      this.#reclaim();
    }
    this.#isPending = tx.distance() > 0 && tx.needsWakeup;
  }

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#doorbell.arm();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.#opened.dispose();
  }

  #take(sink: FrameSink, at: number, length: number): void {
    if (length > this.#frameSize) {
      this.#dropped++;
      return;
    }
    this.#counters.countReceived(length);
    if ((at & 3) === 2) return sink.frame(at, length, false);
    // Some drivers have frames begin where they like.
    copy(this.receiveMemory, at, this.receiveMemory, this.#whole, length);
    sink.frame(this.#whole, length, false);
  }

  /** Calls the driver if it wants to be called, so that it takes what there is to fill. */
  #wakeDriver(): void {
    this.#emptyLooks = 0;
    const { fill, fd } = this.#socket;
    if (fill.needsWakeup) this.#libc.recv(fd, 0n, 0n, MSG.DONTWAIT);
  }

  /** Gives the kernel a frame to receive to. */
  #give(address: number): void {
    const { fill } = this.#socket;
    const word = fill.next();
    this.receiveMemory.i32[word] = address;
    this.receiveMemory.i32[word + 1] = 0;
    fill.advance();
  }

  /** Takes back what was sent. */
  #reclaim(): void {
    const { completion } = this.#socket;
    const count = completion.distance();
    for (let i = 0; i < count; i++) {
      this.#free[this.#freeCount++] = this.sendMemory.i32[completion.next()]! & -this.#chunk;
      completion.advance();
    }
    if (count > 0) completion.publish();
  }
}
