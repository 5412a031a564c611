/**
 * What the example servers share: their flags, their one line of output, and how they end.
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  DemikernelError,
  type IdlePolicy,
  type InetAddress,
  type LibOS,
  type LibOSName,
  open,
  type OpenOptions,
} from "../mod.ts";

/** The flags that every example has. */
export interface Flags {
  /** Where to listen. */
  readonly hostname: string;
  /** 0 lets the libOS choose. */
  readonly port: number;
  /** Which libOS; undefined leaves it to `open()`. */
  readonly libos: LibOSName | undefined;
  /** What to do when idle. */
  readonly idle: IdlePolicy;
  /** catpowder and catnip: device, addresses and routers; empty for other libOSes. */
  readonly network: Pick<OpenOptions, "device" | "addresses" | "gateways">;
  /** The flags of one example alone, by name. */
  readonly own: Readonly<Record<string, string>>;
}

/** A flag of one example alone. */
export interface OwnFlag {
  /** What it is for. */
  readonly help: string;
  /** Its values; the first is the default. */
  readonly values: readonly [string, ...string[]];
  /** If given, it may be whatever looks like this. */
  readonly form?: { readonly name: string; readonly is: RegExp };
}

/** An example server. */
export interface Example {
  /** What it is, for `--help`. */
  readonly about: string;
  /** The port by default. */
  readonly port: number;
  /** Flags of its own. */
  readonly flags?: Readonly<Record<string, OwnFlag>>;
  /** Starts it; gives where it listens, and how to end it. The signal is for connections that do not end. */
  start(libos: LibOS, flags: Flags, signal: AbortSignal): Running | Promise<Running>;
}

/** An example that runs. */
export interface Running {
  /** Where it listens. */
  readonly addr: InetAddress;
  /** Ends it gracefully. */
  shutdown(): Promise<void>;
}

/** How long clients have to take their last replies, in milliseconds. */
const GRACE = 1000;

class UsageError extends Error {}

/** Runs an example as a program: until Ctrl-C, or until it fails with one line on stderr. */
export async function main(example: Example): Promise<void> {
  try {
    const flags = readFlags(example);
    if (flags === null) return console.log(help(example));
    const configuration = environment("CONFIG_PATH");
    await using libos = open({
      ...(flags.libos !== undefined && { libos: flags.libos }),
      idle: flags.idle,
      ...flags.network,
      ...(configuration !== undefined && { configuration }),
    });
    // Before anybody is told that it runs, who may end it at once.
    const interruption = interrupted();
    const abort = new AbortController();
    const running = await start(example, libos, flags, abort.signal);
    console.log(
      `${example.about}: listening on ${formatAddress(running.addr)} ` +
        `over ${libos.name} (${libos.provider}), idle policy ${flags.idle}; Ctrl-C ends it`,
    );
    await interruption;
    const late = setTimeout(() => abort.abort(), GRACE);
    await running.shutdown();
    clearTimeout(late);
  } catch (error) {
    if (!isKnown(error)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}

/** Starts it; an error tells the address. */
async function start(
  example: Example,
  libos: LibOS,
  flags: Flags,
  signal: AbortSignal,
): Promise<Running> {
  try {
    return await example.start(libos, flags, signal);
  } catch (error) {
    if (!isKnown(error)) throw error;
    throw new UsageError(`${formatAddress(flags)}: ${error.message}`, { cause: error });
  }
}

/** Whether one line says enough. */
function isKnown(error: unknown): error is Error {
  return error instanceof UsageError || error instanceof DemikernelError ||
    Object.values(Deno.errors).some((one) => error instanceof one);
}

function formatAddress({ hostname, port }: Pick<Flags, "hostname" | "port">): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function readFlags(example: Example): Flags | null {
  const own = example.flags ?? {};
  let values: Record<string, string | boolean | string[] | undefined>;
  try {
    ({ values } = parseArgs({
      options: {
        hostname: { type: "string" },
        port: { type: "string", default: String(example.port) },
        libos: { type: "string" },
        idle: { type: "string", default: "adaptive" },
        device: { type: "string", default: environment("DEVICE") ?? "" },
        address: { type: "string", multiple: true, default: listed("ADDRESS") },
        gateway: { type: "string", multiple: true, default: listed("GATEWAY") },
        help: { type: "boolean", default: false },
        ...Object.fromEntries(
          Object.keys(own).map((name) => [name, { type: "string" as const }]),
        ),
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split("\n")[0]}; see --help`);
  }
  if (values.help) return null;
  const port = Number(values.port);
  if (!/^\d+$/.test(String(values.port)) || port > 65535) {
    throw new UsageError(`--port must be 0 to 65535, not "${values.port}"`);
  }
  const chosen: Record<string, string> = {};
  for (const [name, flag] of Object.entries(own)) {
    const value = String(values[name] ?? flag.values[0]);
    if (!(flag.form?.is.test(value) ?? flag.values.includes(value))) {
      const right = flag.form?.name ?? flag.values.join(" or ");
      throw new UsageError(`--${name} must be ${right}, not "${value}"`);
    }
    chosen[name] = value;
  }
  const network = {
    ...(values.device !== "" && { device: values.device as `tap:${string}` }),
    ...((values.address as string[]).length > 0 && { addresses: values.address as string[] }),
    gateways: values.gateway as string[],
  };
  // A libOS with addresses of its own is to be found at the first of them.
  const first = network.addresses?.[0]?.split("/")[0];
  return {
    hostname: String(values.hostname ?? first ?? "127.0.0.1"),
    port,
    network,
    libos: (values.libos ?? environment("LIBOS")) as LibOSName | undefined,
    idle: String(values.idle) as IdlePolicy,
    own: chosen,
  };
}

/** The variables that are read. */
type Variable = "LIBOS" | "CONFIG_PATH" | "DEVICE" | "ADDRESS" | "GATEWAY";

/** What a variable lists, with spaces or commas between. */
function listed(variable: Variable): string[] {
  return environment(variable)?.split(/[\s,]+/).filter((one) => one !== "") ?? [];
}

/**
 * A variable of the environment, named as upstream has it: `LIBOS`, and `CONFIG_PATH` for the file that a native libOS
 * reads. Undefined if it is empty, or may not be read.
 */
function environment(variable: Variable): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" && Deno.env.get(variable) || undefined;
}

function help(example: Example): string {
  const own = Object.entries(example.flags ?? {}).map(([name, { help, values, form }]) =>
    `  --${name} ${form?.name ?? values.join("|")}`.padEnd(34) + `${help} (${values[0]})`
  );
  return [
    example.about,
    "",
    "  --hostname ADDRESS              address to listen on (127.0.0.1, or the first --address)",
    `  --port PORT                     port to listen on, 0 for any (${example.port})`,
    "  --libos NAME                    which libOS; LIBOS in the environment also says so (catnap)",
    "  --idle spin|adaptive|park       what to do when there is nothing to do (adaptive)",
    "  --device DEVICE                 tap:, packet:, xdp:, memif: or dpdk: and where it is; or DEVICE in the environment",
    "  --address ADDRESS/PREFIX        on a device: an address of its own; may be repeated; or ADDRESS",
    "  --gateway ADDRESS               on a device: the router to other networks; may be repeated; or GATEWAY",
    ...own,
    "  --help                          this",
    "",
    "CONFIG_PATH in the environment names the configuration file of a native libOS.",
  ].join("\n");
}

function interrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Windows has no other.
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const end = () => {
    for (const signal of signals) Deno.removeSignalListener(signal, end);
    resolve();
  };
  for (const signal of signals) Deno.addSignalListener(signal, end);
  return promise;
}
