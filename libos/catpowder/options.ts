/**
 * What catpowder is told, checked.
 *
 * @module
 */

import { Addressing, linkLocalOf } from "../inetstack/ip/addressing.ts";
import { checkOptions } from "../check.ts";
import { DemikernelError, inspect } from "../error.ts";
import { IpAddress } from "../inetstack/ip_address.ts";
import { MacAddress } from "../inetstack/wire/ethernet.ts";
import type { PacketOptions } from "../devices/packet.ts";
import type { RouteOptions } from "../inetstack/stack.ts";
import type { TapOptions } from "../devices/tap.ts";
import { checkInterfaceName, readMac } from "../devices/interface.ts";

/** A device of catpowder's, in parts. */
export type DeviceOptions = TapOptions | PacketOptions;

/** How catpowder is opened, beside what all libOSes are told. */
export interface CatpowderOptions {
  /** The device: in parts, or as `tap:NAME` or `packet:INTERFACE`. */
  readonly device: DeviceOptions | `tap:${string}` | `packet:${string}`;
  /** Own addresses, one or several, of IPv4 and IPv6, each with the length of its network's prefix: `10.0.0.2/24`. */
  readonly addresses: string | readonly string[];
  /** Routers for everything that is not on the link: at most one of IPv4 and one of IPv6. */
  readonly gateway?: string | readonly string[];
  /** More routes. */
  readonly routes?: readonly RouteOptions[];
  /** Neighbours that are never asked for: IP address to Ethernet address. */
  readonly neighbours?: Readonly<Record<string, string>>;
  /** The path of a pcapng file that all frames are written to. */
  readonly capture?: string;
}

/** The same, checked, and in one form. */
export interface CheckedOptions {
  readonly device: DeviceOptions;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly routes: readonly RouteOptions[];
  readonly neighbours: Readonly<Record<string, string>>;
  readonly capture: string | undefined;
}

/** What has to be given, and how. */
const USAGE = 'give it device, such as "tap:tap0" or "packet:eth0", and addresses, ' +
  'such as "10.0.0.2/24"; see docs/catpowder.md';

/** Checks what was given, before anything is touched. Throws {@linkcode DemikernelError} `EINVAL`, and says which option. */
export function checkCatpowder(options: Partial<CatpowderOptions>): CheckedOptions {
  checkOptions("open", options, { neighbours: "an object", routes: "an array", capture: "a string" });
  const { device, addresses, gateway = [], routes = [], neighbours = {}, capture } = options;
  if (device === undefined || addresses === undefined) {
    throw wrong(`catpowder has a device and addresses of its own: ${USAGE}`);
  }
  const checked = {
    device: readDevice(device),
    addresses: list("addresses", addresses),
    gateways: list("gateway", gateway),
    routes,
    neighbours,
    capture,
  };
  for (const version of ["4", "6"] as const) {
    const several = checked.gateways.filter((one) => one.includes(":") === (version === "6"));
    if (several.length > 1) throw wrong(`there is one gateway of IPv${version} at most`);
  }
  for (const route of routes) checkOptions("open", route, { to: "a string", via: "a string" });
  for (const [address, mac] of Object.entries(neighbours)) {
    if (IpAddress.parse(address) === null || typeof mac !== "string" || !MacAddress.parse(mac)) {
      throw wrong(`neighbours has an Ethernet address by IP address, unlike ${inspect([address, mac])}`);
    }
  }
  // Reads the addresses and routes as the stack will.
  new Addressing(checked, linkLocalOf(new Uint8Array(6)));
  return checked;
}

function readDevice(device: unknown): DeviceOptions {
  const parts = typeof device === "string" ? split(device) : device as DeviceOptions | null;
  switch (parts?.kind) {
    case "tap":
      checkInterfaceName(parts.name);
      break;
    case "packet":
      checkInterfaceName(parts.interface);
      break;
    default:
      throw wrong(
        `device must be tap:NAME, packet:INTERFACE or an object of such a kind, not ${inspect(device)}`,
      );
  }
  if (parts.mac !== undefined) readMac(parts.mac);
  return parts;
}

function split(device: string): DeviceOptions | null {
  const [, kind, name = ""] = /^(tap|packet):(.*)$/.exec(device) ?? [];
  if (kind === "tap") return { kind, name };
  return kind === "packet" ? { kind, interface: name } : null;
}

function list(name: string, value: unknown): readonly string[] {
  const all = typeof value === "string" ? [value] : value;
  if (Array.isArray(all) && all.every((one) => typeof one === "string")) return all;
  throw wrong(`${name} must be a string or an array of strings, not ${inspect(value)}`);
}

function wrong(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "open", { detail });
}
