/**
 * memif: a shared-memory network device, spoken natively. The other end is DPDK, VPP, or another libOS.
 *
 * Frames lie in memory that both ends have mapped, and rings of descriptors say where. To look for a frame is to look at
 * that memory, and so is to send one: while both ends are busy, neither makes a system call. Who sleeps clears a flag in
 * its ring, and is woken by an eventfd.
 *
 * The other end may come and go, and it may lie. What it writes is checked before it is used, and whoever breaks the
 * rules is disconnected; `counters.link` tells why.
 *
 * @module
 */

import { capacityOf, type Link, type LinkOptions, type Peer } from "./peer.ts";
import { type CheckedMemif, checkMemif, type MemifOptions } from "./options.ts";
import { Client } from "./client.ts";
import { ClientMeeting, type Meeting, ServerMeeting } from "./socket.ts";
import { type Device, ETHERNET_HEADER, type FrameSink } from "../../inetstack/device.ts";
import { LibcError } from "../../../ffi/libc/call.ts";
import type { LinearMemory } from "../../runtime/memory/linear_memory.ts";
import { LinkCounters } from "./counters.ts";
import { LinkError, Regions } from "./regions.ts";
import { Mapping, wholePages } from "../../../ffi/libc/map.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import { opening, readMac } from "../interface.ts";
import { Receiving } from "./receiving.ts";
import { type DirectionOptions, Sending } from "./sending.ts";
import { Server } from "./server.ts";
import { Watch } from "../watch.ts";

/** How many looks for frames there are between two at the socket; and while the link is down, or frames wait for it. */
const LOOKS = 4096;
const LOOKS_WHILE_DOWN = 16;

/** See the module's description. */
export class MemifDevice implements Device {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly receiveMemory: Memory;
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly counters: LinkCounters = new LinkCounters();
  readonly #isServer: boolean;
  readonly #options: LinkOptions;
  readonly #memory: Memory;
  readonly #regions: Regions;
  readonly #sending: Sending;
  readonly #receiving: Receiving;
  readonly #watch: Watch;
  readonly #meeting: Meeting;
  #peer: Peer | null = null;
  #looks = 0;
  #isParked = false;

  /**
   * Opens one; the link comes up when the other end is there. `mac` is the address if the options have none. Throws
   * {@linkcode DemikernelError}: `EINVAL` for an option, `EADDRINUSE`, `EACCES` or `ENOENT` for a server's socket.
   */
  constructor(options: MemifOptions, mac: Uint8Array, linear: LinearMemory) {
    const checked = checkMemif(options);
    this.name = `memif${checked.id}`;
    this.mac = checked.mac === undefined ? mac : readMac(checked.mac);
    this.mtu = checked.mtu;
    this.#isServer = checked.isServer;
    this.#options = { ...checked, name: "demikernel" };
    this.#memory = this.receiveMemory = this.sendMemory = linear.memory;
    const mapping = new Mapping(linear.reserve(wholePages(checked.room)));
    this.#regions = new Regions(mapping, wholePages(checked.room));
    const directions: DirectionOptions = {
      linear,
      regions: this.#regions,
      counters: this.counters,
      isServer: checked.isServer,
      frameSize: ETHERNET_HEADER + checked.mtu,
      capacity: capacityOf(checked),
      broken: (reason) => this.#disconnect(reason),
    };
    this.#sending = new Sending(directions);
    this.#receiving = new Receiving(directions);
    [this.#watch, this.#meeting] = openMeeting(checked);
    this.#attend();
  }

  /** See {@linkcode Device.fd}. */
  get fd(): number {
    return this.#watch.fd;
  }

  /** See {@linkcode Device.receive}. */
  receive(sink: FrameSink, budget: number): number {
    if (--this.#looks <= 0 || this.#isParked) this.#attend();
    return this.#receiving.receive(sink, budget);
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
    this.#isParked = true;
    this.#receiving.prepareToPark();
    this.#sending.catchUp();
  }

  /** See {@linkcode Device.close}. */
  close(): void {
    this.flush();
    this.#disconnect("the interface was closed");
    this.#meeting.close();
    this.#watch.close();
  }

  /** Looks after the link: other ends that come, what they say, and whether they are there. */
  #attend(): void {
    if (this.#isParked) {
      this.#isParked = false;
      this.counters.wakeups++;
      this.#receiving.wake();
    }
    // First whoever is there already: it may be gone, and come again as another one.
    this.#converse();
    if (this.#meet()) this.#converse();
    this.#looks = this.#sending.catchUp() ? LOOKS : LOOKS_WHILE_DOWN;
  }

  /** Does what the other end's messages ask for. */
  #converse(): void {
    const peer = this.#peer;
    if (peer === null) return;
    try {
      peer.attend();
      if (peer.link !== null && !this.#sending.isUp) this.#connect(peer.link);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Welcomes another end, unless there is one already; says whether it did. */
  #meet(): boolean {
    if (!this.#isServer && this.#peer !== null) return false;
    const socket = this.#meeting.next();
    if (socket < 0) return false;
    if (this.#sending.isUp) {
      new Client(socket, this.#memory, this.#regions, this.#options).close("already connected");
      return false;
    }
    // Who does not finish makes room for who may.
    this.#disconnect("another client came before the link was up");
    const Role = this.#isServer ? Client : Server;
    this.#peer = new Role(socket, this.#memory, this.#regions, this.#options);
    this.#meeting.seek(false);
    try {
      this.#watch.add(socket);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #connect({ sending, receiving }: Link): void {
    for (const ring of receiving) this.#watch.add(ring.eventfd.fd);
    this.counters.links++;
    this.counters.link = "up";
    this.#receiving.connect(receiving);
    this.#sending.connect(sending);
  }

  /** Ends the link for what the other end, or the kernel, does not let be. Throws any other error. */
  #fail(error: unknown): void {
    if (!(error instanceof LinkError || error instanceof LibcError)) throw error;
    this.#disconnect(error.message);
  }

  #disconnect(reason: string): void {
    const peer = this.#peer;
    if (peer === null) return;
    for (const ring of peer.link?.receiving ?? []) this.#watch.remove(ring.eventfd.fd);
    this.#watch.remove(peer.socket);
    this.#peer = null;
    this.#sending.disconnect();
    this.#receiving.disconnect();
    peer.close(reason);
    this.#regions.clear();
    this.counters.link = `down: ${reason}`;
    this.#meeting.seek(true);
  }
}

function openMeeting({ socket, isServer }: CheckedMemif): [Watch, Meeting] {
  return opening(`memif socket ${socket}`, {
    EADDRINUSE: "somebody has it already, or a file is there that is no socket",
    EACCES: "permission denied: another user's directory",
    ENOENT: "there is no such directory",
  }, () => {
    const watch = new Watch();
    try {
      const meeting = isServer ? new ServerMeeting(socket) : new ClientMeeting(socket);
      watch.add(meeting.fd);
      return [watch, meeting];
    } catch (error) {
      watch.close();
      throw error;
    }
  });
}
