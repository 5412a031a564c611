/**
 * The libOSes at the other ends: one endpoint of UCX's for each, which all connections to it share.
 *
 * A peer is alive as long as the TCP connection is that was kept for it. The kernel closes that when the process at the
 * other end is gone, whatever transport UCX has chosen: shared memory tells nothing.
 *
 * @module
 */

import { DemikernelError, Errno } from "../error.ts";
import { STATUS } from "../../ffi/ucx/layout.ts";
import type { Handle } from "../../ffi/ucx/context.ts";
import { UcxError } from "../../ffi/ucx/struct.ts";
import { Timer } from "../runtime/scheduler/timers.ts";
import type { CatmintContext } from "./context.ts";
import type { Connection } from "./connection.ts";
import type { Coroutine } from "../pdpix.ts";

/**
 * How long what a peer sent may take that is gone by now, in milliseconds: TCP may be faster than what it sent before, its
 * closes among that. What is open then has lost its peer.
 */
const GRACE = 100;

/**
 * How long after that a message may be coming in, in milliseconds, when its sender and the endpoint are gone: then nobody
 * writes to its memory any more, and UCX would hold it for ever.
 */
const REST = 1000;

/** A host that vanishes is noticed after three seconds, by keep-alive probes. */
const KEEP_ALIVE = { idle: 1, interval: 1, count: 2 } as const;

/** See the module's description. */
export class Peer {
  /** UCX's endpoint. */
  readonly endpoint: Handle;
  /** Whether it is this libOS itself, which needs no connection to be known to be there. */
  readonly isSelf: boolean;
  /** Whether nothing can be sent to it any more. */
  isGone = false;
  /** Whether UCX is through with connecting. */
  isConnected = false;
  readonly #peers: Peers;
  readonly #name: string;
  readonly #context: CatmintContext;
  readonly #connections = new Set<Connection>();
  /** The TCP connections that are kept. */
  readonly #channels = new Set<number>();
  readonly #late = new Timer(() => this.fail());

  /** Used by {@linkcode Peers} alone. */
  constructor(
    peers: Peers,
    context: CatmintContext,
    name: string,
    endpoint: Handle,
    isSelf: boolean,
  ) {
    this.#peers = peers;
    this.#context = context;
    this.#name = name;
    this.endpoint = endpoint;
    this.isSelf = isSelf;
  }

  /** Whether a TCP connection to it should be kept. */
  get needsChannel(): boolean {
    return !this.isSelf && this.#channels.size === 0;
  }

  /** Waits for UCX to connect the endpoint, which is new. */
  connect(): void {
    this.flush((status) => {
      this.isConnected = true;
      if (status < 0) this.fail();
    });
  }

  /** Tells when all that was sent is on its way for good, or cannot be. */
  flush(over: (status: number) => void): void {
    const { worker, flights } = this.#context;
    const status = this.isGone ? STATUS.OK : worker.flush(this.endpoint);
    if (status !== STATUS.IN_PROGRESS) return over(status);
    flights.add({ peer: this, landed: (_mark, landed) => over(landed) }, 0, null);
  }

  /** A connection to it begins. */
  add(connection: Connection): void {
    this.#connections.add(connection);
  }

  /** A connection to it is over. */
  remove(connection: Connection): void {
    this.#connections.delete(connection);
    if (!this.isSelf && this.#channels.size === 0 && this.#connections.size === 0) this.fail();
  }

  /** Keeps a TCP connection, of the part that has those. */
  keep(qd: number): void {
    const { control, scheduler } = this.#context;
    control.setsockopt(qd, "keepalive", KEEP_ALIVE);
    // It may end first, and the port of a server must not wait for that.
    control.setsockopt(qd, "linger", 0);
    this.#channels.add(qd);
    void scheduler.spawn(this.#watch(qd));
  }

  /** It is gone: so are its connections, and the endpoint. */
  fail(): void {
    this.#leave();
    this.#context.timers.disarm(this.#late);
    const connections = [...this.#connections];
    this.#connections.clear();
    for (const connection of connections) connection.fail(Errno.ECONNRESET);
    for (const qd of this.#channels) this.#context.hangUp(qd);
    this.#channels.clear();
    if (this.isGone) return;
    this.isGone = true;
    this.#peers.forget(this);
    const { worker, flights, timers, clock } = this.#context;
    worker.disconnect(this.endpoint);
    if (flights.count > 0) {
      timers.arm(new Timer(() => flights.abandon(this)), clock.read() + REST);
    }
    if (connections.length > 0) this.#context.suspect();
  }

  /** Waits for its end, for which the other side does not send anything. */
  *#watch(qd: number): Coroutine {
    const { control, hangUp, timers, clock } = this.#context;
    try {
      (yield* control.operations.pop(qd))?.free();
    } catch {
      // However it ends, it is over.
    }
    if (!this.#channels.has(qd)) return;
    this.#channels.delete(qd);
    hangUp(qd);
    if (this.#connections.size === 0) return this.fail();
    this.#leave();
    timers.arm(this.#late, clock.read() + GRACE);
  }

  /** Whoever comes from its address from now on is another one. */
  #leave(): void {
    this.#peers.remove(this.#name, this);
  }
}

/** The peers of a libOS, by the addresses of their workers. */
export class Peers {
  readonly #context: CatmintContext;
  readonly #peers = new Map<string, Peer>();
  /** Those too that have left. */
  readonly #all = new Set<Peer>();

  /** Knows nobody yet. */
  constructor(context: CatmintContext) {
    this.#context = context;
  }

  /** Those that there are. */
  [Symbol.iterator](): Iterator<Peer> {
    return [...this.#all][Symbol.iterator]();
  }

  /** Whether a TCP connection to whoever has an address should be kept. */
  needsChannel(address: Uint8Array<ArrayBuffer>): boolean {
    const name = nameOf(address);
    return this.#peers.get(name)?.needsChannel ?? !this.#isSelf(name);
  }

  /** The one at an address. Throws {@linkcode DemikernelError} `EHOSTUNREACH` where UCX knows no way there. */
  find(address: Uint8Array<ArrayBuffer>): Peer {
    const name = nameOf(address);
    const known = this.#peers.get(name);
    if (known !== undefined) return known;
    let endpoint: Handle;
    try {
      endpoint = this.#context.worker.connect(address);
    } catch (error) {
      if (!(error instanceof UcxError)) throw error;
      const isMemory = error.status === STATUS.NO_MEMORY;
      throw new DemikernelError(isMemory ? "ENOMEM" : "EHOSTUNREACH", "connect", {
        detail: "UCX has no transport to the peer; both need one in common (UCX_TLS)",
        cause: error,
      });
    }
    const peer = new Peer(this, this.#context, name, endpoint, this.#isSelf(name));
    this.#peers.set(name, peer);
    this.#all.add(peer);
    peer.connect();
    return peer;
  }

  /** It is gone. */
  forget(peer: Peer): void {
    this.#all.delete(peer);
  }

  #isSelf(name: string): boolean {
    return name === nameOf(this.#context.worker.address);
  }

  /** It is not found any more. */
  remove(name: string, peer: Peer): void {
    if (this.#peers.get(name) === peer) this.#peers.delete(name);
  }
}

function nameOf(address: Uint8Array<ArrayBuffer>): string {
  return address.toHex();
}
