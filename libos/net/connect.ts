/**
 * Connecting.
 *
 * @module
 */

import { Connection } from "./connection.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { toDenoError } from "./errors.ts";
import { closeQueue, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { openSocket } from "./socket.ts";
import type { Operation, OperationOptions, Outcome } from "../pdpix.ts";

/** What to connect to, and how. */
export type ConnectOptions = Endpoint & LibOSOption & OperationOptions;

/**
 * Connects; the host is 127.0.0.1 by default.
 *
 * Fails with the errors of Deno: `ConnectionRefused`, `TimedOut`, … or with the signal's reason.
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
export function connect(options: ConnectOptions): Operation<Connection> {
  checkLimits("connect", options);
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
    return libos.operations.connect(qd, endpoint.address, outcome).within(options);
  });
}
