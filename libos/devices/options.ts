/**
 * What a libOS on a device is told, checked.
 *
 * @module
 */

import { Addressing, linkLocalOf } from "../inetstack/ip/addressing.ts";
import {
  type AddressOptions,
  checkHostOptions,
  congestionOf,
  type TcpOptions,
} from "../inetstack/stack.ts";
import { checkDpdkOptions, type DpdkOptions } from "./dpdk/dpdk.ts";
import { checkInterfaceName, deviceError, readMac } from "./interface.ts";
import { checkMemif } from "./memif/options.ts";
import type { MemifOptions } from "./memif/options.ts";
import { checkOptions } from "../check.ts";
import { inspect } from "../error.ts";
import { IpAddress } from "../inetstack/ip_address.ts";
import { MacAddress } from "../inetstack/wire/ethernet.ts";
import type { PacketOptions } from "./packet.ts";
import type { TapOptions } from "./tap.ts";
import { checkXdp, type XdpOptions } from "./xdp/xdp.ts";

/** A device, in parts. */
export type DeviceOptions = TapOptions | PacketOptions | XdpOptions | MemifOptions | DpdkOptions;

/** A kind of device. */
export type DeviceKind = DeviceOptions["kind"];

/** How a libOS on a device is opened, beside what all libOSes are told. */
export interface DeviceLibOSOptions extends AddressOptions, TcpOptions {
  /**
   * The device: in parts, or as `KIND:PLACE`, which options may follow: `tap:tap0`, `packet:eth0`, `xdp:eth0:1`,
   * `memif:/run/memif.sock,role=server`, `dpdk:--no-huge -m 256 --vdev=net_tap0`.
   */
  readonly device: DeviceOptions | `${DeviceKind}:${string}`;
  /** The path of a pcapng file, made anew, that all frames are written to. */
  readonly capture?: string;
}

/** The same, checked, with a device of some kinds in parts. */
export interface CheckedDeviceLibOS<K extends DeviceKind> extends AddressOptions, TcpOptions {
  readonly device: DeviceOptions & { readonly kind: K };
  readonly capture: string | undefined;
}

/** What is said of a kind of device. */
interface Kind {
  /** How it is written. */
  readonly usage: string;
  /** An example. */
  readonly example: string;
  /** The options that its place stands for. */
  place(text: string): object;
  /** Checks its options. Throws {@linkcode DemikernelError} `EINVAL`. */
  check(options: never): void;
}

const KINDS: Readonly<Record<DeviceKind, Kind>> = {
  tap: {
    usage: "tap:NAME",
    example: "tap:tap0",
    place: (name) => ({ name }),
    check: ({ name, mac }: TapOptions) => {
      checkInterfaceName(name);
      if (mac !== undefined) readMac(mac);
    },
  },
  packet: {
    usage: "packet:INTERFACE",
    example: "packet:eth0",
    place: (name) => ({ interface: name }),
    check: ({ interface: name, mac }: PacketOptions) => {
      checkInterfaceName(name);
      if (mac !== undefined) readMac(mac);
    },
  },
  xdp: {
    usage: "xdp:INTERFACE[:QUEUE]",
    example: "xdp:eth0",
    place: (text) => {
      const [name, queue, ...rest] = text.split(":");
      const isRight = rest.length === 0 && (queue === undefined || /^\d+$/.test(queue));
      return {
        interface: isRight ? name : text,
        ...(queue !== undefined && { queue: Number(queue) }),
      };
    },
    check: checkXdp,
  },
  memif: {
    usage: "memif:SOCKET[:ID]",
    example: "memif:/run/memif.sock",
    place: (text) => {
      const [, socket, id] = /^(.*?)(?::(\d+))?$/s.exec(text)!;
      return { socket, ...(id !== undefined && { id: Number(id) }) };
    },
    check: checkMemif,
  },
  dpdk: {
    usage: "dpdk:EAL ARGUMENTS",
    example: "dpdk:--vdev=net_tap0",
    place: (eal) => ({ eal }),
    check: checkDpdkOptions,
  },
};

/**
 * Checks what a libOS was given that has devices of some kinds, before anything is touched. Throws
 * {@linkcode DemikernelError} `EINVAL`, and says which option.
 */
export function checkDeviceLibOS<K extends DeviceKind>(
  libos: string,
  kinds: readonly K[],
  options: Partial<DeviceLibOSOptions>,
): CheckedDeviceLibOS<K> {
  checkOptions("open", options, { capture: "a string" });
  checkHostOptions("open", options);
  const { device, addresses, gateways = [], routes = [], neighbours = {}, capture } = options;
  const { congestion = "cubic", ecn = false } = options;
  congestionOf({ congestion });
  if (device === undefined || addresses === undefined) {
    const examples = kinds.map((kind) => `"${KINDS[kind].example}"`).join(" or ");
    throw wrong(
      `${libos} has a device and addresses of its own: give it a device, such as ${examples}, ` +
        `and addresses, such as ["10.0.0.2/24"]; see docs/${libos}.md`,
    );
  }
  for (const [address, mac] of Object.entries(neighbours)) {
    if (IpAddress.parse(address) === null || typeof mac !== "string" || !MacAddress.parse(mac)) {
      throw wrong(`neighbours has Ethernet by IP addresses, unlike ${inspect([address, mac])}`);
    }
  }
  const checked = {
    device: readDevice(kinds, device),
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

/** The IP addresses of a host. */
export function addressesOf({ addresses }: AddressOptions): IpAddress[] {
  return addresses.map((one) => IpAddress.parse(one.split("/")[0]!)!);
}

/** The Ethernet address of a device that has none: made of the first IP address, as nobody else's on a link is. */
export function macOf(host: AddressOptions): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x02, 0xde, ...addressesOf(host)[0]!.bytes.subarray(-4));
}

function readDevice<K extends DeviceKind>(
  kinds: readonly K[],
  device: unknown,
): CheckedDeviceLibOS<K>["device"] {
  const parts = typeof device === "string" ? split(device) : device as DeviceOptions | null;
  const kind = parts?.kind as K | undefined;
  if (kind === undefined || !kinds.includes(kind)) {
    const usages = kinds.map((one) => KINDS[one].usage).join(", ");
    throw wrong(`device must be ${usages} or an object of such a kind, not ${inspect(device)}`);
  }
  KINDS[kind].check(parts as never);
  return parts as CheckedDeviceLibOS<K>["device"];
}

/** Reads `KIND:PLACE,NAME=VALUE…`. The arguments of EAL have commas of their own, and are all that there is. */
function split(text: string): DeviceOptions | null {
  if (text.startsWith("dpdk:")) return { kind: "dpdk", eal: text.slice("dpdk:".length) };
  const [, kind, place, rest = ""] = /^(\w+):([^,]*)(?:,(.*))?$/s.exec(text) ?? [];
  if (kind === undefined || !Object.hasOwn(KINDS, kind)) return null;
  const more = rest.split(",").filter((one) => one !== "").map((one) => {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(one) ?? [];
    if (name === undefined) {
      throw wrong(`what follows a device is NAME=VALUE, unlike ${inspect(one)}`);
    }
    // A secret of digits is a text all the same.
    const isNumber = name !== "secret" && /^\d+$/.test(value!);
    return [name, isNumber ? Number(value) : value!];
  });
  const { place: options } = KINDS[kind as DeviceKind];
  return { ...Object.fromEntries(more), ...options(place!), kind } as DeviceOptions;
}

function wrong(detail: string): Error {
  return deviceError("EINVAL", detail);
}
