/**
 * How servers on each libOS are come to: what a client is on, what is between, and what has to be made for that.
 *
 * Hosts are network namespaces without a name, which vanish with the last process that has them open, and the wires
 * between them do too. Files are removed on the way out. So nothing is left behind, however a run ends.
 *
 * @module
 */
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { DemikernelUnavailableError, load } from "../../ffi/demikernel/load.ts";
import { ucx, UcxUnavailableError } from "../../ffi/ucx/load.ts";
import { NetworkUnavailableError } from "../../tests/_network/namespace.ts";
import { assertKnown } from "../_harness/command_line.ts";
import { NativeConfigurationFile } from "../_harness/demikernel_peer.ts";
import type { Machine } from "../_harness/machine.ts";
import { LOOPBACK, type Route } from "../_harness/route.ts";
import { memif } from "./reach/catnip.ts";
import { bothOurs, ours, upstream } from "./reach/catpowder.ts";
import { sharedMemory } from "./reach/shared_memory.ts";
import { tap } from "./reach/tap.ts";

/** The ways to servers on one libOS, and to those they are compared with. Disposing of it removes what was made. */
export interface Reach extends Disposable {
  /** What is between client and server, in a few words. */
  readonly wire: string;
  /** The way to servers of ours on the libOS. One at a time, where it is a device. */
  readonly libos: Route;
  /**
   * The way to servers on the kernel's sockets, over another wire of the same kind; absent where they cannot be
   * at the other end of one.
   */
  readonly kernel?: Route;
  /** What C programs on libdemikernel need; absent where it has no such libOS. */
  readonly upstream?: Upstream;
}

/** A libOS of libdemikernel, as C programs have it. */
export interface Upstream {
  /** Which. */
  readonly libos: NativeLibOS;
  /** What it reads. */
  readonly configuration: NativeConfigurationFile;
  /** The way to them, if it is not that to ours. */
  readonly route?: Route;
  /** The peer in C that is to be preloaded into them. */
  readonly preload?: string;
}

/** Why servers on a libOS cannot be come to, and what to do. */
export interface Unreachable {
  /** The reason. */
  readonly skipped: string;
}

/** By the name of the libOS, and of its wire, if it has several. */
const WAYS: Readonly<Record<string, (machine: Machine) => Reach | Unreachable>> = {
  "catnap": loopback,
  "catpowder": networked(() => ours("packet")),
  "catpowder/tap": networked(() => ours("tap")),
  "catpowder/xdp": networked(() => ours("xdp")),
  "catpowder/both": networked(() => bothOurs("packet")),
  "catpowder/xdp-both": networked(() => bothOurs("xdp")),
  "catnip": memif,
  "catmint": networked(onUcx),
  "deno:catnap": loopback,
  "demikernel:catnap": loopback,
  "demikernel:catmem": () => ({
    skipped: "catmem has pipes, and no sockets that a client could connect to",
  }),
  "demikernel:catloop": native("catloop", sharedMemory),
  "demikernel:catpowder": native("catpowder", upstream),
  "demikernel:catnip": native("catnip", tap),
};

/** What {@linkcode reach} knows. */
export const WAY_NAMES: readonly string[] = Object.keys(WAYS);

/**
 * Makes the ways to servers on a libOS.
 *
 * @throws {BenchmarkError} If there is no such libOS.
 */
export function reach(machine: Machine, libos: string): Reach | Unreachable {
  assertKnown("libOS", [libos], WAY_NAMES);
  return WAYS[libos]!(machine);
}

/** Whether a libOS is come to over the kernel's loopback, as servers on the kernel's sockets are. */
export function isOnLoopback(libos: string): boolean {
  return WAYS[libos] === loopback;
}

function loopback(): Reach {
  const configuration = new NativeConfigurationFile("catnap");
  return {
    wire: "the kernel's loopback",
    libos: LOOPBACK,
    kernel: LOOPBACK,
    upstream: { libos: "catnap", configuration },
    [Symbol.dispose]: () => configuration[Symbol.dispose](),
  };
}

/**
 * Servers on UCX, to which our client comes over catmint; `UCX_TLS` says which transport. Those on the kernel's loopback are
 * come to over our catnap.
 */
function onUcx(): Reach {
  ucx();
  return {
    wire: "UCX, or the kernel's loopback for servers on its sockets; the client is ours",
    libos: { ...LOOPBACK, client: { libos: "catmint" } },
    kernel: { ...LOOPBACK, client: { libos: "catnap" } },
    [Symbol.dispose]: () => {},
  };
}

/** A way to a libOS of Microsoft's library, which may be missing. */
function native(libos: NativeLibOS, make: (machine: Machine) => Reach): typeof WAYS[string] {
  return networked((machine) => {
    load(libos);
    return make(machine);
  });
}

/** A way that takes networks, or a library: either may be missing. */
function networked(make: (machine: Machine) => Reach): typeof WAYS[string] {
  return (machine) => {
    try {
      return make(machine);
    } catch (error) {
      const known = error instanceof DemikernelUnavailableError ||
        error instanceof NetworkUnavailableError || error instanceof UcxUnavailableError;
      if (!known) throw error;
      return { skipped: error.message };
    }
  };
}
