/**
 * Connecting.
 *
 * @module
 */

import { Connection } from "./connection.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { DENO_ERRORS, withDenoErrors } from "./errors.ts";
import { closeQueue, Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import type { Operation, OperationOptions, QueueDescriptor } from "../pdpix.ts";

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
  return withDenoErrors(() => {
    checkLimits(options);
    const lease = new Lease(options);
    const { libos } = lease;
    let qd: QueueDescriptor | undefined;
    const giveUp = () => {
      if (qd !== undefined) closeQueue(libos, qd);
      qd = undefined;
      void lease.end();
    };
    try {
      const { domain, type, address } = resolveEndpoint(options, "127.0.0.1");
      const connected = qd = libos.socket(domain, type);
      return libos.operations.connect(qd, address, {
        ...DENO_ERRORS,
        result: () => new Connection(libos, connected, () => void lease.end()),
        lost: giveUp,
      }).within(options);
    } catch (error) {
      giveUp();
      throw error;
    }
  });
}
