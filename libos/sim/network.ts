/**
 * A simulated network: hosts that are libOSes, links on which frames are lost, late and wrong, and time that passes only
 * when nobody can go on. The same seed gives the same run, to the bit.
 *
 * @module
 */

import { DemikernelError, inspect } from "../error.ts";
import { checkKind, checkOptions } from "../check.ts";
import { checkInvariants } from "./invariants.ts";
import type { Driver } from "../runtime/scheduler/driver.ts";
import { ETHERNET_HEADER } from "../inetstack/device.ts";
import { LinearMemory } from "../runtime/memory/linear_memory.ts";
import { markCongestion } from "./mark.ts";
import { type LinkOptions, SimulatedLink } from "./link.ts";
import { PcapngWriter } from "../devices/pcapng.ts";
import { Scheduler } from "../runtime/scheduler/scheduler.ts";
import { SeededRandom } from "../inetstack/random.ts";
import { SimulatedDevice } from "./device.ts";
import { SimHost, type SimulatedHost } from "./host.ts";
import { Timer, TimerHeap } from "../runtime/scheduler/timers.ts";
import { traceLine } from "./trace.ts";
import { VirtualClock, virtualHost, VirtualParker } from "./clock.ts";
import type { Coroutine } from "../pdpix.ts";
import { type AddressOptions, checkHostOptions, type TcpOptions } from "../inetstack/stack.ts";

/** How a network is made. */
export interface NetworkOptions {
  /** What everything that is random comes from: an integer of 32 bits. */
  readonly seed: number;
  /** What happens to the frames of hosts for which nothing else is said. */
  readonly link?: LinkOptions;
  /** Keep all frames, for {@linkcode SimulatedNetwork.capture}. */
  readonly capture?: boolean;
  /** Called with a line for each frame, like those of tcpdump. */
  readonly trace?: (line: string) => void;
  /** Check after each event that every connection is as it ought to be; what is not, throws. */
  readonly check?: boolean;
  /** See `OpenOptions.debug`, for all hosts. */
  readonly debug?: boolean;
}

/** How a host is made. */
export interface HostOptions extends AddressOptions, TcpOptions {
  /** What it is called; `host1` and so on by default. */
  readonly name?: string;
  /** The largest packet of its device; 1500 by default. */
  readonly mtu?: number;
  /** What happens to the frames that it sends. */
  readonly link?: LinkOptions;
}

/** How {@linkcode SimulatedNetwork.run} runs. */
export interface RunOptions {
  /** How many milliseconds of the network's time it may take; an hour by default. */
  readonly limit?: number;
}

const HOUR = 3_600_000;
const MTU = 1500;
/**
 * So many turns in a row without a sleep tell that somebody never waits; each one more takes so many milliseconds, or
 * timers would starve.
 */
const BUSY_TURNS = 1000;
const BUSY_TURN = 0.01;
/** How long a poll takes that the application asks for: time passes for who looks again and again. */
const STEP = 0.01;
/** A bit of the first byte of an address: it is not of one host alone. */
const GROUP = 1;

/** Makes a simulated network; see {@linkcode SimulatedNetwork}. */
export function simulate(options: NetworkOptions): SimulatedNetwork {
  return new SimulatedNetwork(options);
}

/**
 * A network of simulated hosts, all on one link layer.
 *
 * @example An echo over a lossy network, in virtual time
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { connect, serve, simulate } from "@demikernel/deno";
 *
 * const network = simulate({ seed: 7, link: { delay: 5, loss: 0.1 } });
 * const server = network.host({ name: "server", addresses: ["10.0.0.1/24"] });
 * const client = network.host({ name: "client", addresses: ["10.0.0.2/24"] });
 *
 * serve({ libos: server, hostname: "10.0.0.1", port: 7 }, async (connection) => {
 *   for await (const sga of connection) await connection.push(sga);
 * });
 * await network.run(async () => {
 *   using connection = await connect({ libos: client, hostname: "10.0.0.1", port: 7 });
 *   await connection.push(new TextEncoder().encode("ping"));
 *   using sga = await connection.pop();
 *   assertEquals(new TextDecoder().decode(sga?.bytes()), "ping");
 * });
 * assert(network.now >= 20);
 * await network.close();
 * ```
 */
export class SimulatedNetwork implements AsyncDisposable {
  /** What everything that is random comes from. */
  readonly seed: number;
  readonly #options: NetworkOptions;
  readonly #random: SeededRandom;
  readonly #clock = new VirtualClock();
  readonly #scheduler: Scheduler;
  readonly #events = new TimerHeap();
  readonly #hosts: SimHost[] = [];
  /** Pairs of hosts that do not hear each other, as `name name`. */
  readonly #apart = new Set<string>();
  readonly #driver: Driver;
  readonly #captured: PcapngWriter | null;
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  readonly #future = {
    turns: 0,
    next: () => this.#next(),
    mayJump: (to: number) => this.#mayJump(to),
    deadlock: (blocked: boolean) => this.#deadlock(blocked),
  };
  /** Turns since the last sleep. */
  #busyTurns = 0;
  #attached = false;
  #made = 0;
  #fail: ((error: Error) => void) | null = null;
  #limit = Infinity;

  /** Used by {@linkcode simulate}. Throws {@linkcode DemikernelError} `EINVAL` for a seed that is no integer. */
  constructor(options: NetworkOptions) {
    checkOptions("simulate", options, {
      link: "an object",
      capture: "true or false",
      trace: "a function",
      check: "true or false",
      debug: "true or false",
    });
    const { seed } = options;
    if (!Number.isInteger(seed)) {
      throw new DemikernelError("EINVAL", "simulate", {
        detail: `a seed is an integer, such as { seed: 1 }, not ${inspect(seed)}`,
      });
    }
    this.seed = seed;
    this.#options = options;
    this.#random = new SeededRandom(seed);
    this.#scheduler = new Scheduler({
      idle: "park",
      clock: this.#clock,
      host: virtualHost,
      makeParker: () => new VirtualParker(this.#clock, this.#future),
    });
    this.#captured = options.capture === true
      ? new PcapngWriter((block) => this.#blocks.push(block))
      : null;
    this.#driver = {
      fd: 0,
      poll: () => this.#poll(),
      deadline: () => this.#events.deadline,
      prepareToPark: () => void (this.#busyTurns = 0),
    };
  }

  /** The time, in milliseconds since the network was made. */
  get now(): number {
    return this.#clock.read();
  }

  /** Its hosts, in the order in which they were made. */
  get hosts(): readonly SimulatedHost[] {
    return this.#hosts;
  }

  /** Makes a host. Throws {@linkcode DemikernelError} `EINVAL` for wrong options, `EEXIST` for a name that another has. */
  host(options: HostOptions): SimulatedHost {
    checkHostOptions("make host", options);
    checkOptions("make host", options, { name: "a string", link: "an object" });
    checkKind("make host", "addresses", options.addresses, "an array");
    const number = ++this.#made;
    const { name = `host${number}`, mtu = MTU, link } = options;
    if (this.#hosts.some(({ hostname }) => hostname === name)) {
      throw new DemikernelError("EEXIST", "make host", { detail: `there is a host ${name}` });
    }
    if (!(Number.isInteger(mtu) && mtu >= 576 && mtu <= 65_535)) {
      throw new DemikernelError("EINVAL", "make host", {
        detail: `an MTU is an integer from 576 to 65535, not ${inspect(mtu)}`,
      });
    }
    if (!this.#attached) {
      this.#attached = true;
      this.#scheduler.attach(this.#driver);
    }
    const mac = Uint8Array.of(2, 0, 0, 0, number >> 8, number);
    const way = new SimulatedLink(
      { ...this.#options.link, ...link },
      new SeededRandom(this.#random.next()),
    );
    const linear = new LinearMemory();
    const device = new SimulatedDevice(
      name,
      mac,
      mtu,
      linear,
      (frame) => this.#send(name, way, frame),
    );
    const host = new SimHost(
      name,
      way,
      device,
      {
        ...options,
        linear,
        scheduler: this.#scheduler,
        debug: this.#options.debug ?? false,
        random: new SeededRandom(this.#random.next()),
      },
      (left) => this.#left(left),
      () => this.#step(),
    );
    this.#hosts.push(host);
    return host;
  }

  /**
   * Runs an async function, or a coroutine, until it is over, and gives what it gives. It may wait for what happens in this
   * network, and for nothing else: time jumps whenever nobody can go on.
   *
   * Throws {@linkcode DemikernelError} `ETIMEDOUT` when the limit has passed, and `ENOTSUP` in a deadlock, where nothing will
   * happen any more; both say who waits for what, and how to run it again.
   */
  async run<T>(
    work: (() => Promise<T>) | (() => Coroutine<T>),
    options: RunOptions = {},
  ): Promise<T> {
    checkKind("run", "work", work, "a function");
    const failed = new Promise<never>((_, reject) => this.#fail = reject);
    this.#limit = this.now + (options.limit ?? HOUR);
    this.#scheduler.retain(true);
    try {
      const started = work();
      const result = "next" in started ? this.#scheduler.spawn(started) : started;
      return await Promise.race([result, failed]);
    } catch (error) {
      if (error instanceof Error) error.message += `\n  replay: simulate({ seed: ${this.seed} })`;
      throw error;
    } finally {
      this.#fail = null;
      this.#limit = Infinity;
      this.#scheduler.release(true);
    }
  }

  /** Runs coroutines to their ends, as {@linkcode SimulatedNetwork.run} does, in one go: faster, and nothing else runs. */
  runSync(works: readonly Coroutine[], options: RunOptions = {}): void {
    checkKind("run", "works", works, "an array");
    let running = works.length;
    let failure: unknown = null;
    for (const work of works) {
      const guarded = function* (): Coroutine {
        try {
          yield* work;
        } catch (error) {
          failure ??= error;
        }
        running--;
      };
      this.#scheduler.spawn(guarded());
    }
    this.#limit = this.now + (options.limit ?? HOUR);
    this.#fail = (error) => failure ??= error;
    this.#scheduler.block(() => running === 0 || failure !== null, Infinity);
    this.#fail = null;
    this.#limit = Infinity;
    if (failure === null) return;
    if (failure instanceof Error) failure.message += `\n  replay: simulate({ seed: ${this.seed} })`;
    throw failure;
  }

  /** Does something at a time, in milliseconds since the network was made. */
  at(time: number, action: () => void): void {
    checkKind("schedule", "action", action, "a function");
    this.#events.arm(new Timer(action), time);
  }

  /** From now on no host of the first group hears one of the second, nor the other way round. */
  partition(first: readonly SimulatedHost[], second: readonly SimulatedHost[]): void {
    for (const hosts of [first, second]) checkKind("partition", "hosts", hosts, "an array");
    for (const one of first) {
      for (const other of second) {
        this.#apart.add(`${one.hostname} ${other.hostname}`);
        this.#apart.add(`${other.hostname} ${one.hostname}`);
      }
    }
  }

  /** Ends all partitions. */
  heal(): void {
    this.#apart.clear();
  }

  /** All frames that were sent, as a pcapng file for Wireshark. Throws {@linkcode DemikernelError} `EINVAL` without `capture`. */
  capture(): Uint8Array<ArrayBuffer> {
    if (this.#captured !== null) return concatenate(this.#blocks);
    throw new DemikernelError("EINVAL", "capture", {
      detail: "simulate({ capture: true }) keeps frames",
    });
  }

  /** Who waits for what: each host with its sockets. */
  report(): string {
    return this.#hosts.map((host) =>
      [`${host.hostname}:`, ...host.describeSockets().map((line) => `  ${line}`)].join("\n")
    ).join("\n");
  }

  /** Closes all hosts. */
  async close(): Promise<void> {
    for (const host of [...this.#hosts]) await host.exit();
  }

  /** See {@linkcode SimulatedNetwork.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #poll(): number {
    this.#future.turns++;
    if (++this.#busyTurns > BUSY_TURNS) this.#clock.advance(this.now + BUSY_TURN);
    if (this.#options.check === true) { for (const host of this.#hosts) this.#check(host); }
    const now = this.#clock.read();
    return this.#events.deadline <= now ? this.#events.fire(now) : 0;
  }

  #step(): number {
    this.#clock.advance(this.now + STEP);
    return this.#scheduler.turn();
  }

  #check(host: SimHost): void {
    try {
      for (const connection of host.stack.tcp) checkInvariants(connection);
    } catch (error) {
      if (this.#fail === null) throw error;
      this.#fail(error as Error);
    }
  }

  #next(): number {
    let next = Math.min(this.#events.deadline, this.#scheduler.timers.deadline);
    for (const host of this.#hosts) next = Math.min(next, host.deadline());
    return next;
  }

  #mayJump(to: number): boolean {
    if (to <= this.#limit) return true;
    this.#fail?.(this.#stuck("ETIMEDOUT", `not over within its limit, at ${this.#limit} ms`));
    return false;
  }

  #deadlock(blocked: boolean): void {
    const error = this.#stuck(
      "ENOTSUP",
      `a deadlock: nothing will happen any more, at ${this.now} ms`,
    );
    if (this.#fail !== null) this.#fail(error);
    else if (blocked) throw error;
  }

  #stuck(errno: "ETIMEDOUT" | "ENOTSUP", what: string): DemikernelError {
    return new DemikernelError(errno, "go on", { detail: `${what}\n${this.report()}\n` });
  }

  #send(from: string, link: SimulatedLink, frame: Uint8Array<ArrayBuffer>): void {
    const { now } = this;
    // ARP is left whole: Ethernet's own check would tell.
    const isIp = frame[12] !== 0x08 || frame[13] !== 0x06;
    const passage = link.pass(now, frame.length, isIp ? ETHERNET_HEADER : -1);
    const { arrivals, wrongBit, isMarked } = passage;
    this.#captured?.packet(frame, now);
    if (this.#options.trace !== undefined) {
      const fate = arrivals.length === 0 ? " [lost]" : arrivals.length > 1 ? " [twice]" : "";
      const wrong = wrongBit >= 0 ? " [corrupted]" : "";
      this.#options.trace(traceLine(frame, now, from) + fate + wrong);
    }
    if (wrongBit >= 0) frame[wrongBit >> 3] = frame[wrongBit >> 3]! ^ 1 << (wrongBit & 7);
    if (isMarked) markCongestion(frame);
    for (const at of arrivals) {
      this.#events.arm(new Timer(() => this.#deliver(from, frame)), at);
    }
  }

  #deliver(from: string, frame: Uint8Array<ArrayBuffer>): void {
    const toAll = (frame[0]! & GROUP) !== 0;
    for (const host of this.#hosts) {
      const { hostname } = host;
      if (hostname === from || this.#apart.has(`${from} ${hostname}`)) continue;
      if (toAll || host.device.mac.every((byte, i) => byte === frame[i])) host.device.arrive(frame);
    }
  }

  #left(host: SimHost): void {
    this.#hosts.splice(this.#hosts.indexOf(host), 1);
    if (this.#hosts.length > 0) return;
    this.#attached = false;
    this.#scheduler.detach(this.#driver);
  }
}

function concatenate(blocks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
