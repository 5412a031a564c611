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
import { type AddressOptions, congestionOf, type TcpOptions } from "../inetstack/stack.ts";
import type { TapOptions } from "../devices/tap.ts";
import { checkInterfaceName, readMac } from "../devices/interface.ts";

/** A device of catpowder's, in parts. */
export type DeviceOptions = TapOptions | PacketOptions;

/** How catpowder is opened, beside what all libOSes are told. */
export interface CatpowderOptions extends AddressOptions, TcpOptions {
  /** The device: in parts, or as `tap:NAME` or `packet:INTERFACE`. */
  readonly device: DeviceOptions | `${DeviceOptions["kind"]}:${string}`;
  /** The path of a pcapng file, made anew, that all frames are written to. */
  readonly capture?: string;
}

/** The same, checked, with the device in parts. */
export interface CheckedOptions extends AddressOptions, TcpOptions {
  readonly device: DeviceOptions;
  readonly capture: string | undefined;
}

/** What has to be given, and how. */
const USAGE = 'give it a device, such as "tap:tap0" or "packet:eth0", and addresses, ' +
  'such as ["10.0.0.2/24"]; see docs/catpowder.md';

/** Checks what was given, before anything is touched. Throws {@linkcode DemikernelError} `EINVAL`, and says which option. */
export function checkCatpowder(options: Partial<CatpowderOptions>): CheckedOptions {
  checkOptions("open", options, {
    addresses: "an array",
    gateways: "an array",
    routes: "an array",
    neighbours: "an object",
    capture: "a string",
    congestion: "a string",
    ecn: "true or false",
  });
  const { device, addresses, gateways = [], routes = [], neighbours = {}, capture } = options;
  if (device === undefined || addresses === undefined) {
    throw wrong(`catpowder has a device and addresses of its own: ${USAGE}`);
  }
  for (const route of routes) checkOptions("open", route, { to: "a string", via: "a string" });
  for (const [address, mac] of Object.entries(neighbours)) {
    if (IpAddress.parse(address) === null || typeof mac !== "string" || !MacAddress.parse(mac)) {
      throw wrong(`neighbours has Ethernet by IP addresses, unlike ${inspect([address, mac])}`);
    }
  }
  const { congestion = "cubic", ecn = false } = options;
  congestionOf({ congestion });
  const checked = {
    device: readDevice(device),
    addresses,
    gateways,
    routes,
    neighbours,
    capture,
    congestion,
    ecn,
  };
  // Reads addresses and routes as the stack will.
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
        `device must be tap:NAME, packet:INTERFACE or an object of such a kind, not ${
          inspect(device)
        }`,
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

function wrong(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "open", { detail });
}
