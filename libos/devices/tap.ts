/**
 * A TAP device: a network interface of the kernel's whose other end is this process. What the kernel sends there is read
 * here, and what is written here has come to the kernel on that interface.
 *
 * A frame is one `read` or `write`, and a look for one costs a `read`.
 *
 * @module
 */

import { addressOf, errno } from "../../ffi/libc/memory.ts";
import { attachTap, openTun, TUN_PATH } from "../../ffi/libc/ifreq.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../inetstack/device.ts";
import { Doorbell } from "./doorbell.ts";
import { EBADFD } from "../../ffi/libc/constants.ts";
import { FrameCounters } from "./counters.ts";
import { type Libc, libc } from "../../ffi/libc/load.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import type { Memory } from "../runtime/memory/memory.ts";
import { checkInterfaceName, opening, readMac, usableInterface } from "./interface.ts";
import { Words } from "../../ffi/libc/words.ts";

/** A TAP device to open. */
export interface TapOptions {
  /** What it is. */
  readonly kind: "tap";
  /** The name of the interface, which has to be there and up. */
  readonly name: string;
  /** The own Ethernet address; the interface's, which is the kernel's end, with one bit changed by default. */
  readonly mac?: string;
}

/** Where a frame begins in its place, so that the words of its packet are aligned. */
const START = 2;

/** Places in {@linkcode Words}. */
const RECEIVE = 0;
const SIZE = 1;
const SEND = 2;
const LENGTH = 3;

/** See the module's description. */
export class TapDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly counters: FrameCounters = new FrameCounters();
  readonly #libc: Libc = libc();
  readonly #fd: number;
  readonly #doorbell: Doorbell;
  readonly #words = new Words(4);
  /** Where a frame is received to, and sent from. */
  readonly #receiveAt: number;
  readonly #sendAt: number;
  /** What {@linkcode TapDevice.close} lets go of. */
  readonly #opened: DisposableStack;

  /**
   * Opens one, whose frames are in a linear memory. Throws {@linkcode DemikernelError} with what is missing: `ENODEV`, `ENETDOWN`, `ENOENT`, `EACCES`, `EPERM`,
   * `EBUSY`.
   */
  constructor({ name, mac }: TapOptions, linear: LinearMemory) {
    checkInterfaceName(name);
    const given = mac === undefined ? null : readMac(mac);
    const found = usableInterface(
      name,
      `make one: ip tuntap add dev ${name} mode tap user $USER && ip link set ${name} up`,
    );
    this.name = name;
    this.mac = given ?? otherEnd(found.mac);
    this.mtu = found.mtu;
    using opened = new DisposableStack();
    this.#fd = opened.adopt(openTap(name), (fd) => this.#libc.close(fd));
    this.#doorbell = opened.adopt(new Doorbell(this.#fd), (doorbell) => doorbell.close());
    const size = ETHERNET_HEADER + found.mtu;
    this.receiveMemory = this.sendMemory = linear.memory;
    this.#receiveAt = linear.reserve(START + size).byteOffset + START;
    this.#sendAt = linear.reserve(START + size).byteOffset + START;
    const address = addressOf(linear.memory.u8);
    this.#words.set(RECEIVE, address + this.#receiveAt);
    this.#words.set(SIZE, size);
    this.#words.set(SEND, address + this.#sendAt);
    this.#opened = opened.move();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#doorbell.fd;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    if (this.#doorbell.armed) this.#doorbell.disarm();
    const { u64 } = this.#words;
    for (let count = 0; count < budget; count++) {
      const length = this.#libc.read_at(this.#fd, u64[RECEIVE]!, u64[SIZE]!);
      if (length <= 0) {
        // The interface was deleted: it is readable for ever, and never gives anything.
        if (length < 0 && errno() === EBADFD) this.#doorbell.disconnect();
        return count;
      }
      this.counters.countReceived(length);
      sink.frame(this.#receiveAt, length, false);
    }
    return budget;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    return this.#sendAt;
  }

  /** See {@linkcode Device.commit}: it is sent at once. */
  commit(length: number): void {
    this.#words.set(LENGTH, length);
    this.counters.countSent(length);
    const { u64 } = this.#words;
    const written = this.#libc.write_at(this.#fd, u64[SEND]!, u64[LENGTH]!);
    if (written < 0) this.counters.sendDrops++;
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {}

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#doorbell.arm();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.#opened.dispose();
  }
}

function openTap(name: string): number {
  const fd = opening(TUN_PATH, {
    ENOENT: "there is no such device; a container needs --device /dev/net/tun",
    ENODEV: "the kernel has no TAP devices: modprobe tun",
    EACCES: "permission denied; run as root, or let this user open it: chmod 666 /dev/net/tun",
    EPERM: "permission denied; a container needs --device /dev/net/tun",
  }, openTun);
  try {
    opening(`TAP device ${name}`, {
      EPERM: `it belongs to somebody else: ip tuntap add dev ${name} mode tap user $USER, ` +
        `or run as root, or with CAP_NET_ADMIN`,
      EBUSY: "another process has its other end, or the interface is no TAP device",
      EINVAL: "the interface is no TAP device of one queue",
    }, () => attachTap(fd, name));
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** The address of the process' end: locally administered, stable, and not the kernel's. */
function otherEnd(mac: Uint8Array): Uint8Array {
  const own = mac.slice();
  own[0] = own[0]! & ~1 | 2;
  own[5] = own[5]! ^ 1;
  return own;
}
