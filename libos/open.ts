/**
 * Opening a libOS by name.
 *
 * @module
 */

import { libc, LibcUnavailableError } from "../ffi/libc/load.ts";
import { Catnap } from "./catnap/libos.ts";
import { openCatnip } from "./catnip/libos.ts";
import { openCatmint } from "./catmint/libos.ts";
import { openCatpowder } from "./catpowder/libos.ts";
import { DenoCatnap } from "./deno/libos.ts";
import type { DeviceLibOSOptions } from "./devices/options.ts";
import { EpollParker, MonotonicClock } from "./runtime/scheduler/epoll_parker.ts";
import { checkOptions } from "./check.ts";
import { DemikernelError, inspect } from "./error.ts";
import type { IdlePolicy } from "./runtime/scheduler/loop.ts";
import { Scheduler } from "./runtime/scheduler/scheduler.ts";
import type { NativeLibOS } from "../ffi/demikernel/cache.ts";
import type { NativeConfiguration } from "./demikernel/configuration.ts";
import { NativeDemikernel } from "./demikernel/libos.ts";
import type { RuntimeOptions } from "./runtime/libos.ts";
import type { LibOS } from "./pdpix.ts";

/** Who implements a libOS: this library, the same over Deno's own sockets, or Microsoft's `libdemikernel.so`. */
export type Provider = "typescript" | "deno" | "demikernel";

/** The names of the libOSes: of this library's own, or of Microsoft's. */
export type LibOSName =
  | "catnap"
  | "catpowder"
  | "catnip"
  | "catmint"
  | "deno:catnap"
  | `demikernel:${NativeLibOS}`;

/** How a libOS is opened. */
export interface OpenOptions extends Partial<DeviceLibOSOptions> {
  /**
   * Which one. Where nothing is chosen, neither this nor a provider, and catnap cannot work since there is no libc that it
   * knows, or no permission to call it, it is `deno:catnap`, which is said once on standard error.
   *
   * @default {"catnap"}
   */
  readonly libos?: LibOSName | NativeLibOS;
  /**
   * Who implements it, unless the name says so already.
   *
   * @default {"typescript"}
   */
  readonly provider?: Provider;
  /** demikernel: where `libdemikernel.so` is. By default it is searched for; see `docs/demikernel.md`. */
  readonly library?: string;
  /** demikernel: what upstream is told, in place of the YAML file that it reads, or the path of such a file. */
  readonly configuration?: NativeConfiguration | string;
  /**
   * What to do when there is nothing to do: `spin` polls on, `park` sleeps at once, `adaptive` polls for
   * 0.1 ms and then sleeps. The libOSes of a thread share one loop, which does what the most wakeful of them
   * wants.
   *
   * @default {"adaptive"}
   */
  readonly idle?: IdlePolicy;
  /**
   * Finds mistakes with memory, at a price: freed buffers are poisoned, nothing freed is used twice, and
   * leaks are told with the place where they were allocated.
   *
   * @default {false}
   */
  readonly debug?: boolean;
}

const IDLE_POLICIES: readonly unknown[] = ["spin", "adaptive", "park"];

/** How one is made, once the options that all have in common were checked. */
type Maker = (shared: RuntimeOptions, options: OpenOptions) => LibOS;

const LIBOSES: Record<LibOSName, Maker> = {
  "catnap": (shared) => new Catnap(shared),
  "catpowder": openCatpowder,
  "catnip": openCatnip,
  "catmint": openCatmint,
  "deno:catnap": (shared) => new DenoCatnap(shared),
  "demikernel:catnap": makeNative("catnap"),
  "demikernel:catmem": makeNative("catmem"),
  "demikernel:catloop": makeNative("catloop"),
  "demikernel:catpowder": makeNative("catpowder"),
  "demikernel:catnip": makeNative("catnip"),
};

function makeNative(name: NativeLibOS): Maker {
  return (shared, { library, configuration }) =>
    new NativeDemikernel(name, { ...shared, library, configuration });
}

/** The names that {@linkcode open} knows, whether or not they work on this machine. */
export const LIBOS_NAMES: readonly LibOSName[] = Object.freeze(
  Object.keys(LIBOSES) as LibOSName[],
);

/** The one scheduler of this thread, made with its first libOS. */
let scheduler: Scheduler | undefined;

/**
 * Opens a libOS. It belongs to the thread that opened it, and is closed by `exit()` or `await using`.
 *
 * Throws {@linkcode DemikernelError}: `EINVAL` for an option that is not understood, `ENOSYS` where this
 * libOS cannot work, and says what is missing; for catpowder, catnip and catmint see `docs/`. Throws `Deno.errors.NotCapable`
 * without the permission that it needs (catnap, catpowder, catnip: `--allow-ffi` for libc; catmint: for libc and UCX; `deno:catnap`: none, but `--allow-net` for its sockets; demikernel: see
 * `docs/permissions.md`).
 *
 * @example Open catnap, make a socket, and close it all
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 *
 * const libos = open({ libos: "catnap" });
 * const qd = libos.socket("inet", "stream");
 * libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
 * const report = await libos.exit();
 * assertEquals(report.openQueues, 1);
 * ```
 */
export function open(options: OpenOptions | LibOSName = {}): LibOS {
  if (typeof options === "string") return open({ libos: options });
  checkOptions("open", options, { library: "a string", debug: "true or false" });
  const { idle = "adaptive", debug = false } = options;
  const name = fullName(options);
  if (!IDLE_POLICIES.includes(idle)) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `an idle policy is ${IDLE_POLICIES.join(", ")}, not ${inspect(idle)}`,
    });
  }
  try {
    scheduler ??= new Scheduler({
      // What needs no FFI must not ask for it.
      ...(name === "deno:catnap" ? {} : { clock: new MonotonicClock() }),
      makeParker: () => new EpollParker(),
    });
    return LIBOSES[name]({ scheduler, idle, debug }, options);
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    throw new DemikernelError("ENOSYS", "open", { detail: `${name}: ${cause.message}`, cause });
  }
}

/**
 * The libOS of who chooses none: catnap, or where that cannot work, the same over Deno's sockets, which is said once on
 * standard error.
 */
export function nameByDefault(): LibOSName {
  try {
    libc();
    return "catnap";
  } catch (error) {
    const isDenied = error instanceof Deno.errors.NotCapable;
    if (!isDenied && !(error instanceof LibcUnavailableError)) throw error;
    if (!wasTold) console.error(`${error.message}. Deno's own sockets are used instead.`);
    wasTold = true;
    return "deno:catnap";
  }
}

let wasTold = false;

function fullName({ libos, provider }: OpenOptions): LibOSName {
  if (libos === undefined && provider === undefined) return nameByDefault();
  return checkedName(libos === undefined ? "catnap" : libos, provider);
}

function checkedName(
  libos: LibOSName | NativeLibOS,
  provider: Provider | undefined,
): LibOSName {
  const bare = typeof libos === "string" && !libos.includes(":");
  const isPrefixed = provider === "demikernel" || provider === "deno";
  const name = isPrefixed && bare ? `${provider}:${libos}` : libos;
  if (typeof name !== "string" || !Object.hasOwn(LIBOSES, name)) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `there is no libOS ${inspect(name)}; there is ${LIBOS_NAMES.join(", ")}`,
    });
  }
  const own = name.includes(":") ? name.split(":")[0] : "typescript";
  if (provider !== undefined && provider !== own) {
    throw new DemikernelError("EINVAL", "open", {
      detail: `${name} is not of the provider ${inspect(provider)}; ` +
        `there is typescript, deno and demikernel`,
    });
  }
  return name as LibOSName;
}
