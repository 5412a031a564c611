/**
 * Connecting: the part of a stream socket that is on its way to its peer.
 *
 * @module
 */

import { Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Call, type Device } from "./device.ts";
import type { SocketAddress } from "../pdpix.ts";

/** One connect; it ends once, or is let go of. */
export class Connector {
  /** The connect that is under way; null once it was let go of. */
  operation: PooledOperation<void> | null;
  readonly #abort = new AbortController();

  /** Begins to connect, and suspends the operation; how that ends is told to one of the two functions. */
  constructor(
    operation: PooledOperation<void>,
    device: Device,
    target: SocketAddress,
    connected: (operation: PooledOperation<void>, conn: Deno.Conn) => void,
    refused: (operation: PooledOperation<void>, error: unknown) => void,
  ) {
    this.operation = operation;
    operation.suspend();
    const call = new Call<Deno.Conn>(device, (conn) => {
      // Deno made it all the same.
      if (this.operation === null) conn.close();
      else connected(this.operation, conn);
    }, (error) => {
      if (this.operation !== null) refused(this.operation, error);
    });
    call.begin(dial(target, this.#abort.signal));
  }

  /** Lets go of it. */
  disconnect(): void {
    this.operation = null;
    this.#abort.abort();
  }

  /** Completes it with `ECANCELED`. */
  close(): void {
    const { operation } = this;
    this.disconnect();
    operation?.fail(Errno.ECANCELED);
  }
}

function dial(target: SocketAddress, signal: AbortSignal): Promise<Deno.Conn> {
  if ("path" in target) return Deno.connect({ transport: "unix", path: target.path });
  return Deno.connect({ ...target, transport: "tcp", signal });
}
