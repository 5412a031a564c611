/**
 * Demikernel for Deno: servers that answer in microseconds.
 *
 * A handler is written once, as an async function or as a generator over queue tokens, and runs unchanged
 * on any datapath. {@linkcode serve}, {@linkcode listen}, {@linkcode connect} and {@linkcode datagram} are
 * the layer of coroutines; {@linkcode open} gives a {@linkcode LibOS}, which is PDPIX itself.
 *
 * @example An echo server
 * ```ts ignore
 * import { serve } from "@demikernel/deno";
 *
 * serve({ port: 7000 }, async (connection) => {
 *   for await (const sga of connection) await connection.push(sga);
 * });
 * ```
 *
 * @module
 */

export * from "./libos/pdpix.ts";
export {
  LIBOS_NAMES,
  type LibOSName,
  open,
  type OpenOptions,
  type Provider,
} from "./libos/open.ts";
export type { CatpowderOptions, DeviceOptions } from "./libos/catpowder/options.ts";
export type { TapOptions } from "./libos/devices/tap.ts";
export type { PacketOptions } from "./libos/devices/packet.ts";
export type { NativeConfiguration, NativeLibOS } from "./libos/demikernel/configuration.ts";
export type { IdlePolicy } from "./libos/runtime/scheduler/loop.ts";
export {
  DemikernelError,
  type DemikernelErrorOptions,
  Errno,
  type ErrnoName,
} from "./libos/error.ts";
export * from "./libos/net/mod.ts";
export {
  type HostOptions,
  type NetworkOptions,
  type RunOptions,
  simulate,
  SimulatedNetwork,
} from "./libos/sim/network.ts";
export type { SimulatedHost } from "./libos/sim/host.ts";
export type { BurstLoss, Link, LinkOptions } from "./libos/sim/link.ts";
export type { AddressOptions, RouteOptions, TcpOptions } from "./libos/inetstack/stack.ts";
