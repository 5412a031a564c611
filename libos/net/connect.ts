/**
 * Connecting.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import { Connection } from "./connection.ts";
import {
  checkPort,
  type Endpoint,
  type InetEndpoint,
  resolveEndpoint,
  type UnixEndpoint,
} from "./endpoint.ts";
import { toDenoError, withDenoErrors } from "./errors.ts";
import { Race } from "./happy_eyeballs.ts";
import { closeQueue, Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { checkName, isName, lookUp, type ResolverOption } from "./names.ts";
import { openSocket } from "./socket.ts";
import type { InetAddress, Operation, OperationOptions, Outcome, UnixAddress } from "../pdpix.ts";

/** What to connect to, and how. */
export type ConnectOptions<E extends Endpoint = Endpoint> =
  & E
  & LibOSOption
  & OperationOptions
  & ResolverOption;

/**
 * Connects; the host is 127.0.0.1 by default. A name is looked up, and its addresses are tried as RFC 8305 says: those of
 * IPv6 and IPv4 in turn, the next one when one has failed, or said nothing for 250 ms. `localhost` is ::1 and 127.0.0.1,
 * and not looked up.
 *
 * Fails with the errors of Deno: `ConnectionRefused`, `TimedOut`, … or with the signal's reason. Of a name it is what the
 * last attempt failed with, or `NotFound` if it has no address, or `NotCapable` if the permission to look it up is
 * missing.
 *
 * @example A refused connection
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { connect, listen, open } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * const listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
 * const { port } = listener.addr;
 * listener.close();
 * await assertRejects(
 *   async () => await connect({ libos, port }),
 *   Deno.errors.ConnectionRefused,
 * );
 * ```
 */
export function connect(
  options: ConnectOptions<InetEndpoint>,
): Operation<Connection<InetAddress>>;
/** Connects to a Unix socket. */
export function connect(
  options: ConnectOptions<UnixEndpoint>,
): Operation<Connection<UnixAddress>>;
/** Connects to either. */
export function connect(options: ConnectOptions): Operation<Connection>;
export function connect(options: ConnectOptions): Operation<Connection> {
  checkLimits("connect", options);
  checkOptions("connect", options, { hostname: "a string", resolver: "a function" });
  const { path, hostname } = options as Partial<InetEndpoint & UnixEndpoint>;
  if (path === undefined && hostname !== undefined && isName(hostname)) {
    return connectByName(options as ConnectOptions<InetEndpoint>, hostname);
  }
  return connectTo(options, options);
}

function connectTo(
  options: Endpoint & LibOSOption,
  limits: OperationOptions,
): Operation<Connection> {
  const endpoint = resolveEndpoint("connect", options, "127.0.0.1");
  return openSocket(options, endpoint, (libos, qd, lease) => {
    const outcome: Outcome<void, Connection> = {
      result: () => new Connection(libos, qd, lease.letGo),
      error: (error) => {
        throw toDenoError(error);
      },
      lost: () => {
        closeQueue(libos, qd);
        lease.letGo();
      },
      unclaimed: undefined,
    };
    return libos.operations.connect(qd, endpoint.address, outcome).within(limits);
  });
}

function connectByName(
  options: ConnectOptions<InetEndpoint>,
  hostname: string,
): Operation<Connection> {
  const { port, resolver } = options;
  checkName("connect", hostname);
  checkPort("connect", port);
  return withDenoErrors(() => {
    const lease = new Lease(options);
    const { libos } = lease;
    const { domains } = libos.capabilities;
    const race = new Race<Connection>({
      families: ([6, 4] as const).filter((family) =>
        domains.includes(family === 6 ? "inet6" : "inet")
      ),
      lookUp: (family) => lookUp(hostname, family, resolver),
      attempt: (address) =>
        connectTo({ ...(options.libos && { libos: options.libos }), hostname: address, port }, {}),
      sleep: (milliseconds) => libos.operations.sleep(milliseconds),
      close: (connection) => connection[Symbol.dispose](),
    });
    const outcome: Outcome<Connection> = {
      result: (connection) => {
        lease.letGo();
        return connection;
      },
      error: (error) => {
        throw toDenoError(error);
      },
      lost: () => {
        race.abandon();
        lease.letGo();
      },
      unclaimed: undefined,
    };
    try {
      const operation = libos.operations.join(race.winner, outcome);
      race.begin();
      return operation.within(options);
    } catch (error) {
      lease.letGo();
      throw error;
    }
  });
}
