/**
 * Listening: a stream of connections.
 *
 * @module
 */

import { Connection } from "./connection.ts";
import {
  type Endpoint,
  type InetEndpoint,
  resolveEndpoint,
  type UnixEndpoint,
} from "./endpoint.ts";
import { DENO_ERRORS, withDenoErrors } from "./errors.ts";
import { closeQueue, Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import type {
  InetAddress,
  LibOS,
  Operation,
  OperationOptions,
  Outcome,
  QueueDescriptor,
  SocketAddress,
  UnixAddress,
} from "../pdpix.ts";

/** What to listen on, and how. */
export type ListenOptions<E extends Endpoint = Endpoint> = E & LibOSOption & {
  /** How many connections wait to be accepted; what comes then is up to the device. 511 by default. */
  readonly backlog?: number;
  /** Let several listeners share the port, each with a share of the connections. */
  readonly reusePort?: boolean;
};

/**
 * Listens.
 *
 * Throws the errors of Deno: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, `NotCapable` …, and
 * {@linkcode DemikernelError} for options that make no sense.
 *
 * @example Accept one connection
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, listen, open } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * using listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
 * using client = await connect({ libos, port: listener.addr.port });
 * using server = await listener.accept();
 * assertEquals(server.remoteAddr, client.localAddr);
 * ```
 */
export function listen(options: ListenOptions<InetEndpoint>): Listener<InetAddress>;
/** Listens on a Unix socket. */
export function listen(options: ListenOptions<UnixEndpoint>): Listener<UnixAddress>;
/** Listens on either. */
export function listen(options: ListenOptions): Listener;
export function listen(options: ListenOptions): Listener {
  return withDenoErrors(() => {
    const lease = new Lease(options);
    const { libos } = lease;
    let qd: QueueDescriptor | undefined;
    try {
      const { domain, type, address } = resolveEndpoint(options, "0.0.0.0");
      qd = libos.socket(domain, type);
      if (domain !== "unix" && libos.capabilities.options.includes("reuseAddress")) {
        libos.setsockopt(qd, "reuseAddress", true);
      }
      if (options.reusePort === true) libos.setsockopt(qd, "reusePort", true);
      libos.bind(qd, address);
      libos.listen(qd, options.backlog);
      return new Listener(libos, qd, lease);
    } catch (error) {
      if (qd !== undefined) libos.close(qd);
      void lease.end();
      throw error;
    }
  });
}

/** A listening queue; {@linkcode listen} makes it. */
export class Listener<A extends SocketAddress = SocketAddress>
  implements Disposable, AsyncIterable<Connection> {
  /** The libOS it is on. */
  readonly libos: LibOS;
  /** Its queue there. */
  readonly qd: QueueDescriptor;
  /** Where it listens: the port is the one that was chosen, if it was 0. */
  readonly addr: A;
  readonly #lease: Lease;
  #open = true;

  /** Wraps a listening queue, which it then owns. */
  constructor(libos: LibOS, qd: QueueDescriptor, lease: Lease) {
    this.libos = libos;
    this.qd = qd;
    this.#lease = lease;
    this.addr = libos.getsockname(qd) as A;
  }

  /** Whether it was not closed yet. */
  get open(): boolean {
    return this.#open;
  }

  /** Waits for the next connection. */
  accept(options?: OperationOptions): Operation<Connection> {
    if (!this.#open) throw new Deno.errors.BadResource("Cannot accept: the listener was closed");
    if (options !== undefined) checkLimits(options);
    return withDenoErrors(() => {
      const operation = this.libos.operations.accept(this.qd, this.#accepted);
      return options === undefined ? operation : operation.within(options);
    });
  }

  readonly #accepted: Outcome<QueueDescriptor, Connection> = {
    ...DENO_ERRORS,
    result: (qd) => new Connection(this.libos, qd, this.#lease.hold()),
  };

  /**
   * Stops listening. What is pending fails with `Deno.errors.Interrupted`; iteration ends. Connections that
   * were accepted live on.
   */
  close(): void {
    if (!this.#open) throw new Deno.errors.BadResource("Cannot close listener: it was closed");
    this.#open = false;
    closeQueue(this.libos, this.qd);
    void this.#lease.end();
  }

  /** Keeps the process alive while an accept is pending; the default. */
  ref(): void {
    withDenoErrors(() => this.libos.ref(this.qd));
  }

  /** Lets the process end although an accept is pending. */
  unref(): void {
    withDenoErrors(() => this.libos.unref(this.qd));
  }

  /** Iterates over the connections, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Connection, undefined> {
    const end = { done: true, value: undefined } as const;
    return {
      next: async () => {
        try {
          return { done: false, value: await this.accept() };
        } catch (error) {
          if (this.#open) throw error;
          return end;
        }
      },
      return: () => {
        this[Symbol.dispose]();
        return Promise.resolve(end);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** As {@linkcode Listener.close}, and harmless when it was closed already. */
  [Symbol.dispose](): void {
    if (this.#open) this.close();
  }
}
