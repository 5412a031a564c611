/**
 * catmint: PDPIX over RDMA, by UCX.
 *
 * @module
 */

import { check } from "../../ffi/libc/call.ts";
import { EPOLL } from "../../ffi/libc/constants.ts";
import { makeEpollEvent } from "../../ffi/libc/epoll_event.ts";
import { libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { MESSAGE_INFO, STATUS } from "../../ffi/ucx/layout.ts";
import { UcxUnavailableError } from "../../ffi/ucx/load.ts";
import { UcxContext } from "../../ffi/ucx/context.ts";
import { UcxError } from "../../ffi/ucx/struct.ts";
import { UcxWorker } from "../../ffi/ucx/worker.ts";
import { Catnap } from "../catnap/libos.ts";
import { DemikernelError } from "../error.ts";
import { RuntimeLibOS, type RuntimeOptions } from "../runtime/libos.ts";
import type { Queue } from "../runtime/queue/queue.ts";
import { ServedQueues } from "../runtime/queue/served.ts";
import type { Connection } from "./connection.ts";
import type { CatmintContext } from "./context.ts";
import { Flights } from "./flights.ts";
import { RegisteredMemory } from "./memory.ts";
import { Peers } from "./peer.ts";
import { OPTIONS, StreamQueue } from "./stream_queue.ts";
import { PROBE, Watchdog } from "./watchdog.ts";
import type { Capabilities, Domain, SocketType } from "../pdpix.ts";

/** Messages that one poll takes at most. */
const MESSAGES = 256;
/** How often a patient poll asks UCX again: about as long as a turn takes. */
const PATIENCE = 8;
/** So many at once mean that there may be more. */
const MANY = 8;
/** While UCX is busy, the kernel's sockets are asked in one of so many polls: that costs as much as a message. */
const CONTROL_INTERVAL = 256;
/** In so many polls in a row, when something is expected there. */
const EXPECTED = 64;
/** Connections at once: so many bits of an id are the place in the table, and the others change with each use of it. */
const PLACE_BITS = 16;
const GENERATION_BITS = 14;
/** How long `exit` waits for what was sent, in milliseconds. */
const EXIT_LIMIT = 1000;
/** So many polls are enough for what an endpoint that is closed leaves behind. */
const LAST_POLLS = 100;
/** How often UCX goes on while something is under way and there is nothing else to do, in milliseconds. */
const FLIGHT_INTERVAL = 1;

const CAPABILITIES: Capabilities = Object.freeze({
  domains: Object.freeze(["inet", "inet6"] as const),
  types: Object.freeze(["stream"] as const),
  options: Object.freeze(OPTIONS),
  halfClose: true,
  storage: false,
  pipes: false,
  closesAtOnce: true,
  parks: true,
  blocks: true,
});

/** How a {@linkcode Catmint} is made. */
export interface CatmintOptions extends RuntimeOptions {
  /** UCX, which is the libOS's from now on. */
  readonly ucx: UcxContext;
  /** A worker of it, likewise. */
  readonly worker: UcxWorker;
  /** Its registered memory. */
  readonly memory: RegisteredMemory;
}

/** The libOS over UCX. */
export class Catmint extends RuntimeLibOS {
  override readonly name = "catmint";
  override readonly capabilities: Capabilities = CAPABILITIES;
  /** An epoll instance over UCX and the kernel's sockets; -1 once closed. */
  override fd: number;
  readonly #ucx: UcxContext;
  #worker: UcxWorker;
  readonly #watchdog: Watchdog;
  readonly #memory: RegisteredMemory;
  readonly #control: Catnap;
  readonly #flights: Flights;
  readonly #served = new ServedQueues();
  readonly #context: CatmintContext & { turn: number };
  /** Connections by place, and how often each place was used. */
  readonly #connections: (Connection | null)[] = [];
  readonly #generations: number[] = [];
  readonly #freePlaces: number[] = [];
  /** Whether there may be messages of which UCX's progress does not tell any more. */
  #isUnread = false;
  /** Whether UCX refused to sleep. */
  #isBusy = false;
  /** Whether it is too late to care for the worker. */
  #isClosing = false;
  /** Whether the kernel's sockets were closed. */
  #isHungUp = false;
  #untilControl = 0;
  #expected = 0;

  /** Used by {@linkcode openCatmint}. */
  constructor(options: CatmintOptions) {
    super(options);
    this.#ucx = options.ucx;
    this.#worker = options.worker;
    this.#watchdog = new Watchdog(this.#ucx);
    this.#memory = options.memory;
    this.#flights = new Flights(this.#worker, this.context.heap);
    const { scheduler, debug } = options;
    this.#control = new Catnap({
      scheduler,
      isPart: true,
      ...(debug === undefined ? {} : { debug }),
    });
    this.fd = libc().epoll_create1(EPOLL.CLOEXEC);
    this.#watch(this.#worker.fd);
    this.#watch(this.#control.fd);
    this.#context = this.#makeContext();
    this.scheduler.attach(this, options.idle);
  }

  /** How often memory was registered with UCX's devices: once for each region of the heap. */
  get registrations(): number {
    return this.#memory.registrations;
  }

  /** See {@linkcode Driver.poll}. */
  override poll(now = this.scheduler.now, patient = false): number {
    this.#context.turn = (this.#context.turn + 1) | 0;
    this.#isBusy = false;
    let work = this.#worker.progress();
    // What comes is noticed sooner here than by another turn.
    if (work === 0 && patient && this.#isIdle && !this.scheduler.hasReady) {
      const worker = this.#worker;
      for (let i = 0; work === 0 && i < PATIENCE; i++) work = worker.progress();
    }
    if (work > 0 || this.#isUnread) work = this.#receive(work);
    // Of many, UCX brings a few at a time; who waits behind them should not wait for turns as well.
    for (let all = work; all >= MANY && all < MESSAGES && this.#worker.progress() > 0;) {
      const more = this.#receive(MESSAGES);
      all = more >= MANY ? all + more : MESSAGES;
      work += more;
    }
    if (this.#flights.count > 0) work += this.#flights.poll();
    if (this.#served.size > 0) work += this.#served.serve();
    if (--this.#untilControl < 0) work += this.#pollControl();
    if (this.#watchdog.isBusy && this.#watchdog.poll(now)) this.#renew();
    return work;
  }

  /** Whether there is nothing else to do than to wait. */
  get #isIdle(): boolean {
    return !this.#isUnread && this.#flights.count === 0 && this.#served.size === 0;
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    const { isBusy } = this.#watchdog;
    if (isBusy || this.#isBusy || this.#isUnread || this.#served.size > 0) return -Infinity;
    return this.#flights.count > 0 ? this.scheduler.clock.read() + FLIGHT_INTERVAL : Infinity;
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {
    this.#isBusy = this.#worker.arm() === STATUS.BUSY;
    this.#control.prepareToPark();
    this.#untilControl = 0;
  }

  protected override createSocket(domain: Domain, _type: SocketType): Queue {
    return new StreamQueue(this.#context, domain);
  }

  /** Lets what was sent arrive, for a second at most. */
  protected override async settle(): Promise<void> {
    const { peers, clock } = this.#context;
    const until = clock.read() + EXIT_LIMIT;
    this.scheduler.retain(true);
    const pause = () => new Promise((resolve) => setTimeout(resolve, FLIGHT_INTERVAL));
    // A peer has to fetch what is large, and flushing does not wait for that.
    while (this.#flights.count > 0 && clock.read() < until) await pause();
    let left = 0;
    for (const peer of peers) {
      left++;
      peer.flush(() => left--);
    }
    while (left > 0 && clock.read() < until) await pause();
    this.scheduler.release(true);
  }

  protected override async closeDevice(): Promise<void> {
    this.#isClosing = true;
    this.#watchdog.end();
    for (const peer of this.#context.peers) peer.fail();
    this.#isHungUp = true;
    await this.#control.exit();
    // What is under way fails, now that there is nobody to send to.
    const until = performance.now() + EXIT_LIMIT;
    while (this.#flights.count > 0 && performance.now() < until) {
      this.#worker.progress();
      this.#flights.poll();
    }
    this.#flights.abandon();
    libc().close(this.fd);
    this.fd = -1;
    this.#memory.close();
    this.#worker.close();
    this.#ucx.close();
  }

  #watch(fd: number): void {
    const event = makeEpollEvent(EPOLL.IN, fd);
    check("epoll_ctl", libc().epoll_ctl(this.fd, EPOLL.CTL_ADD, fd, event));
  }

  /** The worker is stuck: all that was over it is broken, and another one takes its place. */
  #renew(): void {
    this.#watchdog.end();
    const stuck = this.#worker;
    for (const peer of this.#context.peers) peer.fail();
    this.#watchdog.end();
    this.#flights.abandon();
    for (let i = 0; i < LAST_POLLS; i++) stuck.progress();
    // Before the old one goes, so that the descriptor is another one.
    this.#worker = new UcxWorker(this.#ucx);
    this.#context.worker = this.#worker;
    this.#flights.worker = this.#worker;
    libc().epoll_ctl(this.fd, EPOLL.CTL_DEL, stuck.fd, makeEpollEvent(0, stuck.fd));
    this.#watch(this.#worker.fd);
    stuck.close();
  }

  #suspect(): void {
    if (!this.#isClosing) this.#watchdog.begin(this.#worker, this.scheduler.now);
  }

  #makeContext(): CatmintContext & { turn: number } {
    const nowhere = addressOf(new Uint8Array(0));
    const context = {
      ...this.context,
      worker: this.#worker,
      memory: this.#memory,
      flights: this.#flights,
      control: this.#control,
      scheduler: this.scheduler,
      timers: this.scheduler.timers,
      clock: this.scheduler.clock,
      turn: 0,
      activate: (queue) => this.#served.add(queue),
      suspect: () => this.#suspect(),
      isSuspect: () => this.#watchdog.isBusy,
      hangUp: (qd) => {
        if (!this.#isHungUp) this.#control.close(qd);
      },
      expect: () => {
        this.#expected = EXPECTED;
        this.#untilControl = 0;
      },
      sentToSelf: () => {
        this.#isUnread = true;
      },
      discard: () => {
        const status = this.#worker.receive(nowhere, 0, null);
        if (status === STATUS.IN_PROGRESS) this.#worker.free(this.#worker.request[0]!);
      },
      identify: (connection) => this.#identify(connection),
      forget: (connection) => this.#forget(connection),
    } as CatmintContext & { turn: number };
    return Object.assign(context, { peers: new Peers(context) });
  }

  /**
   * Takes messages: as many as UCX's progress told of, so that whoever waits for them is answered before it is asked for
   * more; if it told of none, what there is.
   */
  #receive(told: number): number {
    const worker = this.#worker;
    const { info } = worker;
    const most = told > 0 && told < MESSAGES ? told : MESSAGES;
    this.#isUnread = true;
    for (let i = 0; i < most; i++) {
      if (!worker.probe()) {
        this.#isUnread = false;
        return i;
      }
      const id = info[MESSAGE_INFO.TAG_HIGH]!;
      const connection = this.#connections[id & ((1 << PLACE_BITS) - 1)];
      // Whoever closed a connection may still be sent to.
      if (connection != null && connection.id === id) {
        connection.message(info);
      } else {
        this.#context.discard();
        if (id === PROBE && this.#watchdog.came()) this.#suspect();
      }
    }
    return most;
  }

  #pollControl(): number {
    const work = this.#control.poll();
    if (work > 0) this.#expected = EXPECTED;
    this.#untilControl = this.#expected > 0 ? 0 : CONTROL_INTERVAL;
    this.#expected--;
    return work;
  }

  #identify(connection: Connection): number {
    const place = this.#freePlaces.shift() ?? this.#connections.length;
    if (place === 1 << PLACE_BITS) {
      throw new DemikernelError("EMFILE", "connect", {
        detail: `there are ${1 << PLACE_BITS} connections, and no more ids`,
      });
    }
    const mask = (1 << GENERATION_BITS) - 1;
    const generation = this.#generations[place] ??
      crypto.getRandomValues(new Uint16Array(1))[0]! & mask;
    this.#generations[place] = (generation + 1) & mask;
    this.#connections[place] = connection;
    return (generation << PLACE_BITS) | place;
  }

  #forget(connection: Connection): void {
    const place = connection.id & ((1 << PLACE_BITS) - 1);
    this.#connections[place] = null;
    this.#freePlaces.push(place);
  }
}

/**
 * Opens UCX and a libOS over it. Throws {@linkcode DemikernelError} `ENOSYS` where UCX is missing or too old, and `ENODEV`
 * where it finds no transport.
 */
export function openCatmint(shared: RuntimeOptions): Catmint {
  let ucx: UcxContext | undefined;
  try {
    ucx = new UcxContext();
    const memory = new RegisteredMemory(ucx);
    const worker = new UcxWorker(ucx);
    return new Catmint({ ...shared, addressOf: memory.addressOf, ucx, worker, memory });
  } catch (cause) {
    ucx?.close();
    if (cause instanceof UcxUnavailableError) {
      throw new DemikernelError("ENOSYS", "open", { detail: `catmint: ${cause.message}`, cause });
    }
    if (!(cause instanceof UcxError)) throw cause;
    throw new DemikernelError("ENODEV", "open", {
      detail: `catmint: UCX has no transport that can sleep (UCX_TLS): ${cause.message}`,
      cause,
    });
  }
}
