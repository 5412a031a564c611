/**
 * An AF_XDP socket with its memory, bound to a queue of an interface, and the program that fills it.
 *
 * @module
 */

import { AF, SOCK, SOL } from "../../../ffi/libc/constants.ts";
import { assemble } from "../../../ffi/bpf/assemble.ts";
import { findXdp } from "../../../ffi/bpf/attached.ts";
import { attachXdp, loadXdp, makeSocketMap, setInMap, XDP_FLAGS } from "../../../ffi/bpf/bpf.ts";
import { check, LibcError } from "../../../ffi/libc/call.ts";
import {
  encodeUmem,
  encodeXdpAddress,
  XDP,
  XDP_BIND,
  XDP_OFFSETS,
  XDP_PGOFF,
} from "../../../ffi/libc/xdp.ts";
import { Errno } from "../../error.ts";
import { errno } from "../../../ffi/libc/memory.ts";
import { filterFor, takeByMap } from "./program.ts";
import type { IpAddress } from "../../inetstack/ip_address.ts";
import { libc } from "../../../ffi/libc/load.ts";
import { Mapping, wholePages } from "../../../ffi/libc/map.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { ringBytes, XdpRing } from "./rings.ts";

/** The kernel lets go of a queue some time after the socket on it was closed: how often it is asked, and how long between. */
const TRIES = 100;
const PAUSE = 5;
/** More queues than interfaces have. */
const QUEUES = 4096;
const NOBODY = new Int32Array(new SharedArrayBuffer(4));

/** Where the program is: in the driver, or in the kernel behind it. */
export type XdpMode = "native" | "generic";

/** What an AF_XDP socket is made of. */
export interface XdpPlace {
  /** The number of the interface. */
  readonly index: number;
  /** Its name. */
  readonly interface: string;
  /** The queue. */
  readonly queue: number;
  /** The addresses whose packets are wanted. */
  readonly addresses: readonly IpAddress[];
  /** The mode; the best one that works if undefined. */
  readonly mode: XdpMode | undefined;
  /** Bytes of a frame in memory: its chunk. */
  readonly chunk: number;
  /** Room before a frame, so that the words of its packet are aligned. */
  readonly headroom: number;
  /** Entries of each ring: half as many as there are frames. */
  readonly size: number;
  /** Where the frames and the rings are. */
  readonly linear: LinearMemory;
}

/** See the module's description. */
export class XdpSocket {
  /** The socket. */
  readonly fd: number;
  /** Frames and rings. */
  readonly memory: Memory;
  /** Where the frames begin. */
  readonly frames: number;
  /** The rings. */
  readonly rx: XdpRing;
  readonly tx: XdpRing;
  readonly fill: XdpRing;
  readonly completion: XdpRing;
  /** How frames come: `native, zero copy`, `native, copied` or `generic, copied`. */
  readonly how: string;
  readonly #libc = libc();
  readonly #mapping: Mapping;
  readonly #link: number;
  readonly #ringsAt: number;
  readonly #ringsSize: number;

  /** Makes one. Throws `LibcError`. */
  constructor(place: XdpPlace) {
    const { size, chunk } = place;
    const type = SOCK.RAW | SOCK.CLOEXEC;
    this.fd = check("socket", this.#libc.socket(AF.XDP, type, 0));
    let unmap = () => {};
    try {
      const umem = 2 * size * chunk;
      const options = [XDP.RX_RING, XDP.TX_RING, XDP.UMEM_FILL_RING, XDP.UMEM_COMPLETION_RING];
      // The offsets are told before there are rings.
      const offsets = this.#offsets();
      const rings = [
        { at: XDP_OFFSETS.RX, start: XDP_PGOFF.RX_RING, produces: false, frames: true },
        { at: XDP_OFFSETS.TX, start: XDP_PGOFF.TX_RING, produces: true, frames: true },
        { at: XDP_OFFSETS.FILL, start: XDP_PGOFF.FILL_RING, produces: true, frames: false },
        {
          at: XDP_OFFSETS.COMPLETION,
          start: XDP_PGOFF.COMPLETION_RING,
          produces: false,
          frames: false,
        },
      ].map((ring) => {
        const view = new DataView(offsets, ring.at);
        return { ...ring, view, length: wholePages(ringBytes(view, size, ring.frames)) };
      });
      this.#ringsAt = wholePages(umem);
      this.#ringsSize = rings.reduce((sum, { length }) => sum + length, 0);
      this.#mapping = new Mapping(place.linear.reserve(this.#ringsAt + this.#ringsSize));
      unmap = () => this.#mapping.unmap(this.#ringsAt, this.#ringsSize);
      this.memory = place.linear.memory;
      this.frames = this.#mapping.bytes.byteOffset;
      this.#set(XDP.UMEM_REG, encodeUmem(this.#mapping.address, umem, chunk, place.headroom));
      for (const option of options) {
        this.#set(option, new Uint8Array(Int32Array.of(size).buffer));
      }
      let at = this.#ringsAt;
      [this.rx, this.tx, this.fill, this.completion] = rings.map((ring) => {
        this.#mapping.map(at, ring.length, this.fd, ring.start);
        const made = new XdpRing(this.memory, this.frames + at, ring.view, size, ring);
        at += ring.length;
        return made;
      }) as [XdpRing, XdpRing, XdpRing, XdpRing];
      const isZeroCopy = this.#bind(place);
      const { link, mode } = attach(place, this.fd, isZeroCopy);
      this.#link = link;
      this.how = `${mode}, ${isZeroCopy ? "zero copy" : "copied"}`;
    } catch (error) {
      unmap();
      this.#libc.close(this.fd);
      throw error;
    }
  }

  /** Lets go of all of it: from now on the kernel has everything. */
  close(): void {
    this.#libc.close(this.#link);
    this.#mapping.unmap(this.#ringsAt, this.#ringsSize);
    this.#libc.close(this.fd);
  }

  #offsets(): ArrayBuffer {
    const offsets = new Uint8Array(XDP_OFFSETS.SIZE);
    const size = new Uint8Array(Uint32Array.of(offsets.length).buffer);
    const { getsockopt } = this.#libc;
    check("getsockopt", getsockopt(this.fd, SOL.XDP, XDP.MMAP_OFFSETS, offsets, size));
    return offsets.buffer;
  }

  #set(option: number, value: Uint8Array<ArrayBuffer>): void {
    check("setsockopt", this.#libc.setsockopt(this.fd, SOL.XDP, option, value, value.length));
  }

  /** Binds to the queue; says whether frames need not be copied. */
  #bind({ index, queue, mode }: XdpPlace): boolean {
    const { bind } = this.#libc;
    const ways = mode === "generic" ? [XDP_BIND.COPY] : [XDP_BIND.ZEROCOPY, XDP_BIND.COPY];
    for (let i = 0;; i++) {
      let error = 0;
      for (const way of ways) {
        const address = encodeXdpAddress(index, queue, way | XDP_BIND.USE_NEED_WAKEUP);
        if (bind(this.fd, address, address.length) === 0) return way === XDP_BIND.ZEROCOPY;
        error = errno();
        if (error === Errno.EBUSY) break;
      }
      if (error !== Errno.EBUSY || i === TRIES) throw new LibcError("bind", error);
      Atomics.wait(NOBODY, 0, 0, PAUSE);
    }
  }
}

/** Attaches the program, in the best mode that works. */
function attach(
  { index, interface: name, queue, addresses, mode }: XdpPlace,
  socket: number,
  isZeroCopy: boolean,
): { readonly link: number; readonly mode: XdpMode } {
  const { close } = libc();
  const map = makeSocketMap(QUEUES);
  let program = -1;
  try {
    setInMap(map, queue, socket);
    program = loadXdp(assemble(filterFor(addresses, takeByMap(map))));
    const modes = mode !== undefined ? [mode] : isZeroCopy
      ? ["native"] as const
      // Where there is no hardware, drivers run a program no sooner than the kernel does, and copy for it.
      : isHardware(name)
      ? ["native", "generic"] as const
      : ["generic", "native"] as const;
    let failure: unknown;
    for (const one of modes) {
      const flags = one === "native" ? XDP_FLAGS.DRV_MODE : XDP_FLAGS.SKB_MODE;
      try {
        return { link: attachXdp(program, index, flags), mode: one };
      } catch (error) {
        failure ??= error;
        if (!(error instanceof LibcError) || error.errno === Errno.EPERM) throw error;
        if (error.errno === Errno.EBUSY) {
          return { link: join(program, index, queue, socket), mode: one };
        }
      }
    }
    throw failure;
  } finally {
    if (program >= 0) close(program);
    close(map);
  }
}

/** Has the program of another socket, on another queue of the interface, fill this one, too; gives its link. */
function join(program: number, index: number, queue: number, socket: number): number {
  const attached = findXdp(program, index);
  if (attached === undefined) throw new LibcError("bpf", Errno.EBUSY);
  const { close } = libc();
  try {
    setInMap(attached.map, queue, socket);
    return attached.link;
  } catch (error) {
    close(attached.link);
    throw error;
  } finally {
    close(attached.map);
  }
}

/** Whether an interface has a device behind it, as far as `/sys` tells. */
function isHardware(name: string): boolean {
  const path = new TextEncoder().encode(`/sys/class/net/${name}/device\0`);
  const target = new Uint8Array(256);
  return libc().readlink(path, target, BigInt(target.length)) >= 0;
}
