/**
 * A port of DPDK, in this process: any device that an installation has a driver for.
 *
 * Frames lie in mbufs of a pool. Bursts are received and sent by the functions of the port's driver, which are called by
 * their addresses; what was received is sent again as an empty buffer where that comes in time, so that the pool is
 * seldom asked.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc/memory.ts";
import { Alarm } from "../alarm.ts";
import { burstFunctions, type Dpdk, dpdk, ETH_CONF, MBUF_LAYOUT } from "../../../ffi/dpdk/dpdk.ts";
import { checkDpdk, type EalPort, startEal, takePort } from "./eal.ts";
import { checkInteger, deviceError } from "../interface.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../../inetstack/device.ts";
import { FrameCounters } from "../counters.ts";
import { inspect } from "../../error.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { MBUFS, type Pool, SHIFT } from "./pool.ts";
import { Trampoline } from "../../../ffi/libffi/trampoline.ts";
import { Words } from "../../../ffi/libc/words.ts";

/** A port of DPDK to open. */
export interface DpdkOptions {
  /** What it is. */
  readonly kind: "dpdk";
  /** What EAL is told, in a list, or with spaces between: `--no-huge -m 256 --no-pci --vdev=net_memif0,…`. */
  readonly eal: string | readonly string[];
  /**
   * Which of EAL's ports.
   *
   * @default {0}
   */
  readonly port?: number;
  /**
   * The largest payload of a frame, 576 to 9216 bytes.
   *
   * @default {1500}
   */
  readonly mtu?: number;
}

/** Arguments that end the process, or are not EAL's. */
const NOT_FOR_EAL = /^(-h|--help|-v|--version|--|)$/;

/** The arguments of EAL. Throws {@linkcode DemikernelError} `EINVAL` for options that are wrong. */
export function checkDpdkOptions({ eal, port = 0, mtu = 1500 }: DpdkOptions): string[] {
  const args = typeof eal === "string" ? eal.split(/\s+/).filter((one) => one !== "") : eal;
  const isList = Array.isArray(args) && args.length > 0 &&
    args.every((one) => typeof one === "string" && !NOT_FOR_EAL.test(one) && !one.includes("\0"));
  if (!isList) {
    throw deviceError("EINVAL", `eal must be the arguments of DPDK's EAL, not ${inspect(eal)}`);
  }
  checkInteger("port", port, 0, 31);
  checkInteger("mtu", mtu, 576, 9216);
  return [...args];
}

/** Frames in a burst, and in a ring. */
const BURST = 64;
const RING = 1024;
/** Empty buffers that are kept to be sent. */
const SPARE = 256;
/** How many are taken from the pool at once. */
const REFILL = 32;
/** A ring that was full so often in a row is not emptied any more: frames are lost then, as on a wire. */
const STALLED = 1024;

/** How long a sleep is at most, in milliseconds: at first, and twice as long each time that nothing came. */
const FIRST_PAUSE = 0.05;
const LAST_PAUSE = 10;

/** Who takes nothing. */
const NOBODY: FrameSink = { frame: () => {} };

/** What a port counts. */
class PortCounters extends FrameCounters {
  /** How often there was no room for a frame to send. */
  fullRings = 0;
  /** Buffers that there are, and that nobody has. */
  frames: number = MBUFS;
  freeFrames = 0;
}

/** See the module's description. */
export class DpdkDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array<ArrayBuffer> = new Uint8Array(6);
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly #dpdk: Dpdk;
  readonly #index: number;
  readonly #port: EalPort;
  readonly #pool: Pool;
  readonly #counters = new PortCounters();
  readonly #rx: Trampoline;
  readonly #tx: Trampoline;
  /** Addresses of what was received, as halves; and of what is to be sent. */
  readonly #received = new Int32Array(2 * BURST);
  readonly #receivedAt: number;
  readonly #pending = new Words(BURST);
  #pendingCount = 0;
  /** Where empty buffers are in the memory. */
  readonly #spare = new Int32Array(SPARE);
  #spareCount = 0;
  /** The one that is reserved; -1 if none is. */
  #reserved = -1;
  /** Buffers that go back to the pool. */
  readonly #returned = new Words(BURST + 1);
  readonly #baseLow: number;
  #stalled = 0;
  /** Drivers are polled, and wake nobody: sleeps are short, and longer while nothing comes. */
  readonly #alarm: Alarm;
  #pause = FIRST_PAUSE;
  /** What {@linkcode DpdkDevice.close} lets go of. */
  readonly #opened: DisposableStack;

  /**
   * Opens one. EAL is started for the first one, and stays; it moves this thread to its first core. Throws
   * {@linkcode DemikernelError}: `EINVAL` for arguments, `ENODEV` without DPDK or such a port, `EBUSY` if it is in use,
   * `ENOMEM`.
   */
  constructor(options: DpdkOptions) {
    const args = checkDpdkOptions(options);
    const { port = 0, mtu = 1500 } = options;
    startEal(args);
    this.#dpdk = dpdk();
    this.name = `dpdk${port}`;
    this.mtu = mtu;
    this.#index = port;
    this.#port = takePort(port, ETHERNET_HEADER + mtu);
    this.#pool = this.#port.pool;
    using opened = new DisposableStack();
    opened.defer(() => void (this.#port.isOpen = false));
    this.#alarm = opened.adopt(new Alarm(), (alarm) => alarm.close());
    if (this.#port.mtu !== mtu) this.#start();
    checkDpdk("rte_eth_macaddr_get", this.#dpdk.rte_eth_macaddr_get(port, this.mac));
    this.receiveMemory = this.sendMemory = this.#pool.memory;
    this.#baseLow = this.#pool.base % 2 ** 32 | 0;
    const { rx, rxQueue, tx, txQueue } = burstFunctions(port);
    this.#rx = new Trampoline(rx, "u16", "pointer", "pointer", "u16");
    this.#receivedAt = addressOf(new Uint8Array(this.#received.buffer));
    this.#rx.set(0, rxQueue);
    this.#rx.set(1, this.#receivedAt);
    this.#rx.set(2, BURST);
    this.#tx = new Trampoline(tx, "u16", "pointer", "pointer", "u16");
    this.#tx.set(0, txQueue);
    this.#tx.set(1, addressOf(new Uint8Array(this.#pending.u64.buffer)));
    this.#returned.set(BURST, addressOf(new Uint8Array(this.#returned.u64.buffer)));
    // What came since it was closed is nobody's.
    for (let i = 0; i < RING && this.receive(NOBODY, BURST) > 0; i++);
    Object.assign(this.#counters, new PortCounters());
    this.#opened = opened.move();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#alarm.fd;
  }

  /** See {@linkcode Device.counters}. */
  get counters(): PortCounters {
    this.#counters.freeFrames = this.#pool.available + this.#spareCount +
      (this.#reserved < 0 ? 0 : 1);
    return this.#counters;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    if (this.#pendingCount > 0) this.flush();
    this.#rx.set(2, Math.min(budget, BURST));
    const count = this.#rx.call() & 0xffff;
    if (count > 0) this.#pause = FIRST_PAUSE;
    for (let i = 0; i < count; i++) {
      const mbuf = (this.#received[2 * i]! - this.#baseLow) | 0;
      const isPlain = this.#isPlain(mbuf);
      if (isPlain) this.#take(sink, mbuf);
      else this.#counters.receiveDrops++;
      // It is empty now: it is sent again, or goes back to the pool.
      if (isPlain && this.#spareCount < SPARE) this.#spare[this.#spareCount++] = mbuf;
      else this.#free(mbuf);
    }
    return count;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    if (this.#pendingCount === BURST) this.flush();
    if (this.#pendingCount === BURST) {
      this.#counters.fullRings++;
      if (this.#stalled++ < STALLED) return -1;
      this.#drop();
    }
    if (this.#reserved < 0) {
      if (this.#spareCount === 0 && !this.#refill()) {
        this.#counters.fullRings++;
        return -1;
      }
      this.#reserved = this.#spare[--this.#spareCount]!;
    }
    return this.#reserved + MBUF_LAYOUT.SIZE + SHIFT + MBUF_LAYOUT.HEADROOM;
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    const mbuf = this.#reserved;
    this.#reserved = -1;
    const { i32, u16 } = this.sendMemory;
    u16[(mbuf + MBUF_LAYOUT.DATA_OFFSET) >> 1] = MBUF_LAYOUT.HEADROOM;
    i32[(mbuf + MBUF_LAYOUT.FLAGS) >> 2] = 0;
    i32[(mbuf + MBUF_LAYOUT.FLAGS + 4) >> 2] = 0;
    i32[(mbuf + MBUF_LAYOUT.PACKET_TYPE) >> 2] = 0;
    i32[(mbuf + MBUF_LAYOUT.PACKET_LENGTH) >> 2] = length;
    u16[(mbuf + MBUF_LAYOUT.DATA_LENGTH) >> 1] = length;
    this.#pending.set(this.#pendingCount++, this.#pool.base + mbuf);
    this.#counters.countSent(length);
  }

  /** See {@linkcode Device.flush}. What the driver does not take now, it is given again. */
  flush(): void {
    const count = this.#pendingCount;
    if (count === 0) return;
    this.#tx.set(2, count);
    const sent = this.#tx.call() & 0xffff;
    if (sent === 0) return;
    this.#stalled = 0;
    if (sent < count) this.#pending.u64.copyWithin(0, sent, count);
    this.#pendingCount = count - sent;
  }

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#alarm.set(this.#pause);
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE);
  }

  /**
   * See {@linkcode Device.close}. The port stays EAL's, runs on, and may be opened again: drivers are not at their best
   * when they are stopped and started, and memif's is not when its other end goes just then.
   */
  close(): void {
    this.flush();
    this.#drop();
    if (this.#reserved >= 0) this.#free(this.#reserved);
    while (this.#spareCount > 0) this.#free(this.#spare[--this.#spareCount]!);
    this.#opened.dispose();
  }

  /** Configures the port: one queue each way. */
  #start(): void {
    const port = this.#index;
    this.#port.mtu = 0;
    if (this.#port.isStarted) {
      checkDpdk("rte_eth_dev_stop", this.#dpdk.rte_eth_dev_stop(port));
      this.#port.isStarted = false;
    }
    const configuration = new Uint8Array(ETH_CONF.SIZE);
    new DataView(configuration.buffer).setUint32(ETH_CONF.MTU, this.mtu, true);
    checkDpdk(
      "rte_eth_dev_configure",
      this.#dpdk.rte_eth_dev_configure(port, 1, 1, configuration),
      { EINVAL: `the driver does not do with mtu ${this.mtu}` },
    );
    const rx = Uint16Array.of(RING);
    const tx = Uint16Array.of(RING);
    const bytes = (one: Uint16Array<ArrayBuffer>) => new Uint8Array(one.buffer);
    checkDpdk(
      "rte_eth_dev_adjust_nb_rx_tx_desc",
      this.#dpdk.rte_eth_dev_adjust_nb_rx_tx_desc(port, bytes(rx), bytes(tx)),
    );
    const pool = BigInt(this.#pool.address);
    checkDpdk(
      "rte_eth_rx_queue_setup",
      this.#dpdk.rte_eth_rx_queue_setup(port, 0, rx[0]!, 0, null, pool),
    );
    checkDpdk(
      "rte_eth_tx_queue_setup",
      this.#dpdk.rte_eth_tx_queue_setup(port, 0, tx[0]!, 0, null),
    );
    checkDpdk("rte_eth_dev_start", this.#dpdk.rte_eth_dev_start(port));
    this.#port.isStarted = true;
    // Of IPv6, neighbours are asked for in groups. Some drivers have no filter at all, and no such call.
    this.#dpdk.rte_eth_allmulticast_enable(port);
    this.#port.mtu = this.mtu;
  }

  /**
   * Whether the frame of an mbuf is where the stack can read it, and where another can be written. One of several pieces is
   * longer than was asked for; one that lies elsewhere is a driver's own affair.
   */
  #isPlain(mbuf: number): boolean {
    const { i32, u16 } = this.receiveMemory;
    const buffer = mbuf + MBUF_LAYOUT.SIZE + SHIFT;
    const at = buffer + u16[(mbuf + MBUF_LAYOUT.DATA_OFFSET) >> 1]!;
    return u16[(mbuf + MBUF_LAYOUT.SEGMENTS) >> 1] === 1 && (at & 3) === 2 &&
      i32[(mbuf + MBUF_LAYOUT.BUFFER) >> 2] === ((buffer + this.#baseLow) | 0);
  }

  #take(sink: FrameSink, mbuf: number): void {
    const { i32, u16 } = this.receiveMemory;
    const at = mbuf + MBUF_LAYOUT.SIZE + SHIFT + u16[(mbuf + MBUF_LAYOUT.DATA_OFFSET) >> 1]!;
    const length = u16[(mbuf + MBUF_LAYOUT.DATA_LENGTH) >> 1]!;
    const flags = i32[(mbuf + MBUF_LAYOUT.FLAGS) >> 2]!;
    const { L4_GOOD, L4_BAD } = MBUF_LAYOUT;
    this.#counters.countReceived(length);
    sink.frame(at, length, (flags & (L4_GOOD | L4_BAD)) === L4_GOOD);
  }

  #refill(): boolean {
    if (!this.#pool.take(REFILL)) return false;
    for (let i = 0; i < REFILL; i++) {
      this.#spare[i] = (this.#pool.given[2 * i]! - this.#baseLow) | 0;
    }
    this.#spareCount = REFILL;
    return true;
  }

  /** Gives an mbuf back to the pool. */
  #free(mbuf: number): void {
    this.#returned.set(0, this.#pool.base + mbuf);
    this.#dpdk.rte_pktmbuf_free_bulk(this.#returned.u64[BURST]!, 1);
  }

  /** Gives up what the driver does not take. */
  #drop(): void {
    this.#counters.sendDrops += this.#pendingCount;
    for (let i = 0; i < this.#pendingCount; i++) {
      this.#returned.u64[0] = this.#pending.u64[i]!;
      this.#dpdk.rte_pktmbuf_free_bulk(this.#returned.u64[BURST]!, 1);
    }
    this.#pendingCount = 0;
    this.#stalled = 0;
  }
}
