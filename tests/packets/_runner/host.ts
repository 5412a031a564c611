/**
 * The host under test: a libOS like any other over the stack that ships, on a device and a clock that the script moves.
 *
 * @module
 */

import type { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import type { Host as EventLoop } from "../../../libos/runtime/scheduler/driver.ts";
import { HOST_MAC } from "./wire.ts";
import { InetLibOS } from "../../../libos/inetstack/queues/libos.ts";
import type { AddressOptions } from "../../../libos/inetstack/stack.ts";
import { Memory } from "../../../libos/runtime/memory/memory.ts";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { SeededRandom } from "../../../libos/inetstack/random.ts";
import type { Device, FrameSink } from "../../../libos/inetstack/device.ts";
import { VirtualClock } from "../../../libos/sim/clock.ts";

/** A frame that the host sent, and when, in milliseconds of the script. */
export interface SentFrame {
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly at: number;
}

/** Frames may be larger than the MTU on their way in: as from a card that joins segments, scripts have some. */
const LARGEST_FRAME = 1 << 17;
const START = 2;
/** The time of the host's clock when the script begins: any, but not 0. */
const BEGIN = 100_000;
/** Turns in a row without the clock moving, after which something is wrong. */
const PATIENCE = 10_000;

class ScriptDevice implements Device {
  readonly name = "script0";
  readonly mac = HOST_MAC;
  readonly mtu: number;
  readonly receiveMemory = new Memory(new ArrayBuffer(LARGEST_FRAME));
  readonly sendMemory: Memory;
  readonly aligned = true;
  readonly fillsChecksums = false;
  readonly fd = -1;
  readonly counters = {
    received: 0,
    receivedBytes: 0,
    receiveDrops: 0,
    sent: 0,
    sentBytes: 0,
    sendDrops: 0,
  };
  readonly incoming: Uint8Array<ArrayBuffer>[] = [];
  readonly #sent: (frame: Uint8Array<ArrayBuffer>) => void;

  constructor(mtu: number, sent: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.mtu = mtu;
    this.sendMemory = new Memory(new ArrayBuffer((mtu + 32) & ~3));
    this.#sent = sent;
  }

  receive(sink: FrameSink): number {
    const frames = this.incoming.splice(0);
    for (const frame of frames) {
      this.receiveMemory.u8.set(frame, START);
      sink.frame(START, frame.length, false);
    }
    return frames.length;
  }

  reserve(): number {
    return START;
  }

  commit(length: number): void {
    this.#sent(this.sendMemory.u8.slice(START, START + length));
  }

  flush(): void {}
  prepareToPark(): void {}
  close(): void {}
}

/** The script takes every turn itself: Deno's event loop has no part in it. */
const noLoop: EventLoop = {
  go() {},
  step() {},
  later: () => ({ cancel() {} }),
  pending: () => "nothing",
};

/** How a host is made. */
export interface HostOptions extends AddressOptions {
  readonly mtu: number;
}

/** See the module's description. */
export class ScriptHost extends InetLibOS {
  override readonly name = "packets";
  /** What was sent and not looked at yet, the oldest first. */
  readonly sent: SentFrame[];
  /** Segments that came and went, by the own port and the peer's. */
  readonly segments = new Map<string, { came: number; went: number }>();
  readonly #clock: VirtualClock;
  readonly #device: ScriptDevice;

  constructor(options: HostOptions) {
    const clock = new VirtualClock();
    clock.advance(BEGIN);
    const sent: SentFrame[] = [];
    const device = new ScriptDevice(options.mtu, (frame) => {
      sent.push({ frame, at: clock.read() - BEGIN });
      const ports = portsOf(frame);
      if (ports !== null) this.#count(ports[0], ports[1]).went++;
    });
    super({
      ...options,
      device,
      scheduler: new Scheduler({ clock, host: noLoop }),
      random: new SeededRandom(1),
    });
    this.sent = sent;
    this.#clock = clock;
    this.#device = device;
    this.settleDown();
    sent.length = 0;
  }

  /** The time of the script, in milliseconds. */
  get now(): number {
    return this.#clock.read() - BEGIN;
  }

  /** When it does something by itself; Infinity if it waits for frames alone. */
  get next(): number {
    return this.deadline() - BEGIN;
  }

  /** A frame arrives. */
  arrive(frame: Uint8Array<ArrayBuffer>): void {
    const ports = portsOf(frame);
    if (ports !== null) this.#count(ports[1], ports[0]).came++;
    this.#device.incoming.push(frame);
    this.poll();
    this.settleDown();
  }

  /** Lets time pass up to a time of the script, or until something happens: says whether something did. */
  step(until: number): boolean {
    const { next } = this;
    if (next > until) {
      this.#clock.advance(until + BEGIN);
      return false;
    }
    this.#clock.advance(next + BEGIN);
    this.poll();
    this.settleDown();
    return true;
  }

  /** Takes turns until there is nothing to do at this time. */
  settleDown(): void {
    for (let turns = 0; this.deadline() === -Infinity; turns++) {
      if (turns === PATIENCE) throw new Error("The stack never comes to rest");
      this.poll();
    }
  }

  /** The connection between two ports; undefined if there is none. */
  connectionOf(localPort: number, remotePort: number): Connection | undefined {
    for (const one of this.stack.tcp) {
      if (one.localPort === localPort && one.remotePort === remotePort) return one;
    }
    return undefined;
  }

  #count(localPort: number, remotePort: number): { came: number; went: number } {
    const key = `${localPort} ${remotePort}`;
    const known = this.segments.get(key) ?? { came: 0, went: 0 };
    this.segments.set(key, known);
    return known;
  }
}

/** The ports of the segment in a frame, the sender's first; null if there is none. */
function portsOf(frame: Uint8Array<ArrayBuffer>): readonly [number, number] | null {
  const view = new DataView(frame.buffer);
  const four = view.getUint16(12) === 0x0800;
  if (frame[four ? 23 : 20] !== 6) return null;
  const at = four ? 14 + (frame[14]! & 15) * 4 : 54;
  return [view.getUint16(at), view.getUint16(at + 2)];
}
