/**
 * The way to our catnip: memif, and our client at its other end.
 *
 * @module
 */
import { OURS, prefixed, THEIRS } from "../../../tests/_network/link.ts";
import { LOOPBACK } from "../../_harness/route.ts";
import type { Reach } from "../reach.ts";

/** Servers on our catnip. Those on the kernel's sockets, and their clients, are on its loopback. */
export function memif(): Reach {
  // An abstract one: there is no file that could be left.
  const device = `memif:@demikernel-bench-${Deno.pid}`;
  return {
    wire: "memif, with catnip at both ends; the kernel's loopback for servers on its sockets",
    libos: {
      ...LOOPBACK,
      hostname: OURS.inet,
      exclusive: true,
      serverEnv: { DEVICE: `${device},role=server`, ADDRESS: prefixed(OURS)[0]! },
      client: { libos: "catnip", device, address: prefixed(THEIRS)[0]! },
    },
    kernel: LOOPBACK,
    [Symbol.dispose]: () => {},
  };
}
