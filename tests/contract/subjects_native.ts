/**
 * The libOSes of Microsoft's library, on devices that every machine has. Each runs in processes of its own,
 * since it may end them, and a thread has one.
 *
 * @module
 */

import {
  buildOf,
  cacheFolder,
  fileName,
  type NativeLibOS,
  readEnv,
} from "../../ffi/demikernel/cache.ts";
import { open } from "../../libos/open.ts";
import { inet } from "./sockets.ts";
import type { Subject } from "./subject.ts";

/** Says what would help where no library has been built. */
function missing(libos: NativeLibOS): string | undefined {
  if (readEnv("DEMIKERNEL_LIBRARY")) return undefined;
  const path = `${cacheFolder()}/${fileName(buildOf(libos))}`;
  try {
    if (Deno.statSync(path).isFile) return undefined;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return `needs libdemikernel: deno task demikernel ${libos}`;
}

function native(libos: NativeLibOS) {
  return {
    name: `demikernel ${libos}`,
    libos,
    provider: "demikernel",
    isolated: true,
    missing: missing(libos),
    open: (options = {}) => open({ libos, provider: "demikernel", ...options }),
  } as const satisfies Partial<Subject>;
}

let names = 0;

/** See the module's description. */
export const NATIVE: readonly Subject[] = [
  {
    ...native("catnap"),
    features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end"],
    stream: inet("inet", "stream"),
    datagram: inet("inet", "dgram"),
    deviations: {},
  },
  {
    ...native("catloop"),
    features: ["stream", "inet", "channel", "duplex", "bytes", "end"],
    stream: inet("inet", "stream"),
    deviations: {},
  },
  {
    ...native("catmem"),
    features: ["channel", "bytes", "end"],
    deviations: {},
    channel(libos) {
      const name = `contract-channel-${Deno.pid}-${names++}`;
      const to = libos.pipe(name, "pop");
      return { from: libos.pipe(name, "push"), to };
    },
  },
];
