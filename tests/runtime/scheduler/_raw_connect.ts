/**
 * A connection that Deno knows nothing of.
 *
 * @module
 */

import { libc } from "../../../ffi/libc/load.ts";
import { encodeSockaddr } from "../../../ffi/libc/sockaddr.ts";

/** Connects to a port of the loopback, at once. Gives what closes the connection. */
export function connectRaw(port: number): () => void {
  const address = encodeSockaddr({ address: Uint8Array.of(127, 0, 0, 1), port, scope: 0 });
  // AF_INET, SOCK_STREAM.
  const fd = libc().socket(2, 1, 0);
  if (libc().connect(fd, address, address.length) < 0) throw new Error("nobody listens there");
  return () => void libc().close(fd);
}
