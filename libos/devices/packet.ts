/**
 * A packet socket (packet(7)): the frames of any interface of the kernel's, beside the kernel.
 *
 * What comes lies in a ring that the kernel and this process share (PACKET_RX_RING, version 2), so that to look for a
 * frame is a look at memory. What goes is sent by one call for all frames of a turn: `send`, or `sendmmsg` if they are
 * several. The kernel has a ring for that direction too, but copies what it holds on the way to a local peer, is slower
 * by 0.2 µs for one frame, and keeps old frames for when an interface comes up again.
 *
 * A frame may be longer than a slot, since the kernel joins segments that it received and hands over those of local
 * senders before they are cut. The slot holds its beginning then, and `recv` gives all of it.
 *
 * @module
 */

import { addressOf } from "../../ffi/libc/memory.ts";
import { AF, SO, SOCK, SOL } from "../../ffi/libc/constants.ts";
import { check } from "../../ffi/libc/call.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../inetstack/device.ts";
import { Doorbell } from "./doorbell.ts";
import { FrameCounters } from "./counters.ts";
import { type Libc, libc } from "../../ffi/libc/load.ts";
import { Mapping } from "../../ffi/libc/map.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import type { Memory } from "../runtime/memory/memory.ts";
import {
  encodeLinkAddress,
  encodeMembership,
  encodeRing,
  PACKET,
  PACKET_MR,
  PACKET_STATISTICS,
  TP_STATUS,
  TPACKET2,
  TPACKET2_FRAME,
  TPACKET_V2,
} from "../../ffi/libc/packet.ts";
import type { NetworkInterface } from "../../ffi/libc/ifreq.ts";
import { checkInterfaceName, opening, readMac, usableInterface } from "./interface.ts";
import { SendSlots } from "./send_slots.ts";
import { Words } from "../../ffi/libc/words.ts";

/** A packet socket to open. */
export interface PacketOptions {
  /** What it is. */
  readonly kind: "packet";
  /** The name of the interface, which has to be up. */
  readonly interface: string;
  /** The own Ethernet address; the interface's by default. */
  readonly mac?: string;
}

/** The ring: so many bytes, in blocks that the kernel allocates in one piece, and so many slots at least. */
const RING = 2 << 20;
const BLOCK = 65_536;
const LEAST_SLOTS = 64;
/** The longest frame that there is: joined segments are an IP packet. */
const LONGEST = ETHERNET_HEADER + 65_536;
/** What waits in the kernel to be sent at most, in bytes; it takes less where it must. */
const SEND_BUFFER = 4 << 20;
/** The bits of a VLAN tag that say which VLAN. */
const VLAN_ID = 0xfff;

/** Places in {@linkcode Words}. */
const LONG = 0;
const LONG_SIZE = 1;

/** See the module's description. */
export class PacketDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly #libc: Libc = libc();
  readonly #fd: number;
  readonly #doorbell: Doorbell;
  readonly #counters = new FrameCounters();
  readonly #statistics = new Uint32Array(PACKET_STATISTICS.SIZE);
  readonly #mapping: Mapping;
  readonly #sending: SendSlots;
  readonly #words = new Words(2);
  /** Where in the buffer a long frame is received to. */
  readonly #long: number;
  readonly #slotSize: number;
  readonly #slots: number;
  /** The slot that comes next, and where it is. */
  #slot = 0;
  #at: number;
  /** What {@linkcode PacketDevice.close} lets go of. */
  readonly #opened: DisposableStack;

  /**
   * Opens one, whose frames are in a linear memory. Throws {@linkcode DemikernelError} with what is missing: `ENODEV`,
   * `ENETDOWN`, `EPERM`.
   */
  constructor({ interface: name, mac }: PacketOptions, linear: LinearMemory) {
    checkInterfaceName(name);
    const given = mac === undefined ? null : readMac(mac);
    const found = usableInterface(name, "ip link shows which there are");
    this.name = name;
    this.mac = given ?? found.mac;
    this.mtu = found.mtu;
    this.#slotSize = slotSizeFor(found.mtu);
    this.#slots = Math.max(RING / this.#slotSize, LEAST_SLOTS);
    const call = `packet socket on ${name}`;
    const advice = { EPERM: "permission denied; run as root, or with CAP_NET_RAW" };
    using opened = new DisposableStack();
    this.#fd = opened.adopt(opening(call, advice, openSocket), (fd) => this.#libc.close(fd));
    const ring = new Mapping(linear.reserve(this.#slots * this.#slotSize));
    this.#mapping = opened.adopt(ring, (ring) => ring.unmap(0, ring.bytes.length));
    opening(call, advice, () => this.#configure(found, given));
    this.#doorbell = opened.adopt(new Doorbell(this.#fd), (doorbell) => doorbell.close());
    this.#at = this.#mapping.bytes.byteOffset;
    this.receiveMemory = this.sendMemory = linear.memory;
    this.#long = linear.reserve(2 + LONGEST).byteOffset + 2;
    this.#words.set(LONG, addressOf(linear.memory.u8) + this.#long);
    this.#words.set(LONG_SIZE, LONGEST);
    this.#sending = new SendSlots(this.#fd, ETHERNET_HEADER + found.mtu, this.#counters, linear);
    this.#opened = opened.move();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#doorbell.fd;
  }

  /** See {@linkcode Device.counters}: what the ring had no room for is the kernel's to tell. */
  get counters(): FrameCounters {
    const bytes = new Uint8Array(this.#statistics.buffer);
    const size = new Uint8Array(Uint32Array.of(bytes.length).buffer);
    const { PACKET: level } = SOL;
    if (this.#libc.getsockopt(this.#fd, level, PACKET.STATISTICS, bytes, size) === 0) {
      this.#counters.receiveDrops += this.#statistics[PACKET_STATISTICS.DROPS]!;
    }
    return this.#counters;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    const wasAsleep = this.#doorbell.armed;
    if (wasAsleep) this.#doorbell.disarm();
    const { i32 } = this.receiveMemory;
    for (let count = 0; count < budget; count++) {
      const word = this.#at >> 2;
      // Nearly always nothing has come: a plain load tells so in 1 ns, an atomic one takes 17.
      if ((i32[word]! & TP_STATUS.USER) === 0) {
        if (wasAsleep && count === 0) this.#takeError();
        return count;
      }
      this.#take(sink, Atomics.load(i32, word));
      Atomics.store(i32, word, TP_STATUS.KERNEL);
      this.#slot++;
      this.#at += this.#slotSize;
      if (this.#slot === this.#slots) {
        this.#slot = 0;
        this.#at = this.#mapping.bytes.byteOffset;
      }
    }
    return budget;
  }

  /** See {@linkcode Device.reserve}. */
  reserve(): number {
    return this.#sending.reserve();
  }

  /** See {@linkcode Device.commit}. */
  commit(length: number): void {
    this.#sending.commit(length);
  }

  /** See {@linkcode Device.flush}. */
  flush(): void {
    this.#sending.flush();
  }

  /** See {@linkcode Device.prepareToPark}. */
  prepareToPark(): void {
    this.#doorbell.arm();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.#opened.dispose();
  }

  /** Hands over the frame in the next slot. */
  #take(sink: FrameSink, status: number): void {
    const { i32, u16 } = this.receiveMemory;
    const slot = this.#at;
    const length = i32[(slot + TPACKET2.LENGTH) >> 2]!;
    const frame = slot + u16[(slot + TPACKET2.MAC) >> 1]!;
    // The sums of what never left this machine were not filled in.
    const verified = (status & (TP_STATUS.CSUM_NOT_READY | TP_STATUS.CSUM_VALID)) !== 0;
    if (i32[(slot + TPACKET2.CAPTURED) >> 2] !== length) {
      return this.#takeLong(sink, status, verified);
    }
    const tag = (status & TP_STATUS.VLAN_VALID) === 0 ? 0 : u16[(slot + TPACKET2.VLAN) >> 1]!;
    // The kernel took the tag out: the frame is somebody else's, however it looks.
    if ((tag & VLAN_ID) !== 0 || (frame & 3) !== 2) {
      this.#counters.receiveDrops++;
      return;
    }
    this.#counters.countReceived(length);
    sink.frame(frame, length, verified);
  }

  /** Hands over a frame that is longer than a slot: the kernel keeps it whole, in the order of the slots. */
  #takeLong(sink: FrameSink, status: number, verified: boolean): void {
    const { u64 } = this.#words;
    const length = (status & TP_STATUS.COPY) === 0
      ? -1
      : this.#libc.recv(this.#fd, u64[LONG]!, u64[LONG_SIZE]!, 0);
    if (length < 0 || (status & TP_STATUS.VLAN_VALID) !== 0) {
      this.#counters.receiveDrops++;
      return;
    }
    this.#counters.countReceived(length);
    sink.frame(this.#long, length, verified);
  }

  /** The interface went down, which is told until somebody takes it. It comes back by itself. */
  #takeError(): void {
    const value = new Uint8Array(4);
    const size = new Uint8Array(Uint32Array.of(4).buffer);
    this.#libc.getsockopt(this.#fd, SOL.SOCKET, SO.ERROR, value, size);
  }

  #configure({ index, mac: own }: NetworkInterface, mac: Uint8Array | null): void {
    const set = (name: number, value: Uint8Array<ArrayBuffer>) => {
      const result = this.#libc.setsockopt(this.#fd, SOL.PACKET, name, value, value.length);
      check("setsockopt", result);
    };
    const number = (value: number) => new Uint8Array(Int32Array.of(value).buffer);
    set(PACKET.VERSION, number(TPACKET_V2));
    set(PACKET.COPY_THRESH, number(1));
    set(PACKET.IGNORE_OUTGOING, number(1));
    set(PACKET.QDISC_BYPASS, number(1));
    this.#libc.setsockopt(this.#fd, SOL.SOCKET, SO.SNDBUF, number(SEND_BUFFER), 4);
    this.#libc.setsockopt(this.#fd, SOL.SOCKET, SO.RCVBUF, number(SEND_BUFFER), 4);
    const size = this.#mapping.bytes.length;
    const block = Math.max(BLOCK, this.#slotSize);
    set(PACKET.RX_RING, encodeRing(block, size / block, this.#slotSize));
    this.#mapping.map(0, size, this.#fd);
    const address = encodeLinkAddress(index);
    check("bind", this.#libc.bind(this.#fd, address, address.length));
    // Of IPv6, neighbours are asked for in groups.
    set(PACKET.ADD_MEMBERSHIP, encodeMembership(index, PACKET_MR.ALLMULTI, new Uint8Array(0)));
    if (mac !== null && mac.some((byte, i) => byte !== own[i])) {
      set(PACKET.ADD_MEMBERSHIP, encodeMembership(index, PACKET_MR.UNICAST, mac));
    }
  }
}

/** A socket that receives nothing before it is bound. */
function openSocket(): number {
  const type = SOCK.RAW | SOCK.NONBLOCK | SOCK.CLOEXEC;
  return check("socket", libc().socket(AF.PACKET, type, 0));
}

/** A power of two that holds a frame behind its header. */
function slotSizeFor(mtu: number): number {
  let size = 2048;
  while (size < TPACKET2_FRAME + ETHERNET_HEADER + mtu) size *= 2;
  return size;
}
