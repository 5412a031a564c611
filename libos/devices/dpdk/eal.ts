/**
 * The Environment Abstraction Layer of DPDK: started once in a process, with its ports and their pools of mbufs.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc/memory.ts";
import { deviceError } from "../interface.ts";
import { dpdk, DpdkUnavailableError } from "../../../ffi/dpdk/dpdk.ts";
import type { ErrnoName } from "../../error.ts";
import { Pool } from "./pool.ts";

/** What EAL was started with. */
let started: readonly string[] | undefined;

/** Memory of all arguments that EAL was given, which it may keep. */
const given: unknown[] = [];

/** Ports that were opened. */
const ports = new Map<number, EalPort>();

/** Starts EAL, or finds that it runs as is wanted. Throws {@linkcode DemikernelError}. */
export function startEal(args: readonly string[]): void {
  try {
    dpdk();
  } catch (error) {
    if (!(error instanceof DpdkUnavailableError)) throw error;
    throw deviceError("ENODEV", error.message);
  }
  if (started !== undefined) {
    if (started.join(" ") === args.join(" ")) return;
    throw deviceError(
      "EBUSY",
      `EAL is started once in a process, and was, with other arguments: ${started.join(" ")}`,
    );
  }
  const texts = ["demikernel", ...args].map((text) => new TextEncoder().encode(`${text}\0`));
  const pointers = BigUint64Array.from([...texts.map((text) => BigInt(addressOf(text))), 0n]);
  given.push([texts, pointers]);
  const result = dpdk().rte_eal_init(texts.length, new Uint8Array(pointers.buffer));
  if (result < 0) {
    // It may have kept some of the arguments that it refused, such as the cores.
    const advice = given.length === 1
      ? ""
      : "; it was given others before, and a new process may do";
    throw deviceError(
      "EINVAL",
      `EAL cannot start with these arguments, and says above why${advice}: ${args.join(" ")}`,
    );
  }
  started = args;
}

/** A port that somebody has, or had. */
export interface EalPort {
  /** Where its frames lie. */
  readonly pool: Pool;
  /** The mtu that it runs with, from this pool; 0 if it does not. */
  mtu: number;
  /** Whether it runs, with whatever mtu and pool: it has to be stopped then before it is configured. */
  isStarted: boolean;
  /** Whether it is open. */
  isOpen: boolean;
}

/**
 * Takes a port for its own use, with a pool whose buffers have room for frames. Throws {@linkcode DemikernelError}.
 */
export function takePort(port: number, room: number): EalPort {
  if (dpdk().rte_eth_dev_is_valid_port(port) !== 1) {
    throw deviceError(
      "ENODEV",
      `EAL has no port ${port}: give it a device, such as --vdev=net_memif0, and the package of its driver`,
    );
  }
  const entry = ports.get(port);
  if (entry?.isOpen) throw deviceError("EBUSY", `port ${port} is in use in this process`);
  const isEnough = entry !== undefined && entry.pool.room >= room;
  const pool = isEnough ? entry.pool : new Pool(`demikernel${port}-${room}`, room);
  const taken = {
    pool,
    mtu: isEnough ? entry.mtu : 0,
    isStarted: entry?.isStarted ?? false,
    isOpen: true,
  };
  ports.set(port, taken);
  return taken;
}

/** A call of DPDK's that gives a negative errno. Throws {@linkcode DemikernelError}. */
export function checkDpdk(
  call: string,
  result: number,
  advice: Partial<Record<ErrnoName, string>> = {},
): void {
  if (result >= 0) return;
  const error = deviceError(-result, `${call} failed`);
  const more = advice[error.code as ErrnoName];
  throw more === undefined ? error : deviceError(-result, `${call} failed: ${more}`);
}
