/**
 * Listening: a stream of connections.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import { Connection } from "./connection.ts";
import {
  type Endpoint,
  type InetEndpoint,
  resolveEndpoint,
  type UnixEndpoint,
} from "./endpoint.ts";
import { isClosed, type Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { openSocket, setFlags, Socket } from "./socket.ts";
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
  /**
   * Listen although connections of an earlier listener linger on the port: the default where the libOS has it. For a
   * Unix socket, replace the file that a listener which is gone left behind: not the default.
   */
  readonly reuseAddress?: boolean;
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
  const endpoint = resolveEndpoint("listen", options, "0.0.0.0");
  checkOptions("listen", options, { reusePort: "true or false", reuseAddress: "true or false" });
  return openSocket(options, endpoint, (libos, qd, lease) => {
    const byDefault = endpoint.domain !== "unix" &&
      libos.capabilities.options.includes("reuseAddress");
    const { reuseAddress = byDefault, reusePort } = options;
    setFlags(libos, qd, { reuseAddress, reusePort });
    libos.bind(qd, endpoint.address);
    libos.listen(qd, options.backlog);
    return new Listener(libos, qd, lease);
  });
}

/** A listening queue; {@linkcode listen} makes it. When it is closed, connections that were accepted live on. */
export class Listener<A extends SocketAddress = SocketAddress> extends Socket
  implements AsyncIterable<Connection<A>> {
  /** Where it listens: the port is the one that was chosen, if it was 0. */
  readonly addr: A;
  readonly #lease: Lease;

  /** Wraps a listening queue, which it then owns. */
  constructor(libos: LibOS, qd: QueueDescriptor, lease: Lease) {
    super(libos, qd, lease.letGo);
    this.#lease = lease;
    this.addr = libos.getsockname(qd) as A;
  }

  /** Waits for the next connection. */
  accept(options?: OperationOptions): Operation<Connection<A>> {
    if (options !== undefined) checkLimits("accept", options);
    return this.control("accept", () => {
      const operation = this.libos.operations.accept(this.qd, this.#accepted);
      return options === undefined ? operation : operation.within(options);
    });
  }

  readonly #accepted: Outcome<QueueDescriptor, Connection<A>> = {
    ...this.outcome,
    result: (qd) => new Connection<A>(this.libos, qd, this.#lease.hold()),
  };

  /** Iterates over the connections, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Connection<A>, undefined> {
    const end = { done: true, value: undefined } as const;
    return {
      next: async () => {
        try {
          return { done: false, value: await this.accept() };
        } catch (error) {
          if (this.open && !isClosed(this.libos)) throw error;
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
}
