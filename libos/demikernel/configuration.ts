/**
 * The configuration of a native libOS: given in code, and written to the YAML file that upstream reads.
 *
 * Everything is checked here, since upstream ends the process over a file that it cannot make sense of.
 *
 * @module
 */

import { isIPv4 } from "node:net";
import { DemikernelError, inspect } from "../error.ts";
import { type NativeLibOS, readEnv } from "../../ffi/demikernel/cache.ts";

export type { NativeLibOS };

/** What a native libOS is told; which of it, depends on the libOS. */
export interface NativeConfiguration {
  /**
   * The IPv4 address that it has: the kernel's, for catnap and catloop, or its own.
   *
   * @default {"127.0.0.1"}
   */
  readonly address?: string;
  /** catpowder, catnip: its MAC address. */
  readonly linkAddress?: string;
  /** catpowder: the network interface, which must have no address of the kernel's. */
  readonly interface?: string;
  /** catnip: the arguments of DPDK's `rte_eal_init`, the program's name first. */
  readonly ealInit?: readonly string[];
  /** catpowder, catnip: the MAC addresses of its neighbours, and its own, by IPv4 address. */
  readonly neighbours?: Readonly<Record<string, string>>;
  /** catpowder, catnip: the most that one IP packet holds, in bytes. @default {1500} */
  readonly mtu?: number;
  /** catpowder, catnip: the most that one TCP segment holds, 536 to 65535 bytes. @default {1450} */
  readonly mss?: number;
}

/** A configuration that was checked, and in which the defaults are. */
export type CheckedConfiguration =
  & NativeConfiguration
  & Required<Pick<NativeConfiguration, "address" | "mtu" | "mss">>;

/** What is so where nothing else is given. */
const DEFAULTS = { address: "127.0.0.1", mtu: 1500, mss: 1450 } as const;

/** The libOSes with a TCP/IP stack of upstream's own. */
export const OWN_STACK: readonly NativeLibOS[] = ["catpowder", "catnip"];

/** What a libOS cannot do without. */
const NEEDED: Partial<Record<NativeLibOS, readonly (keyof NativeConfiguration)[]>> = {
  catpowder: ["address", "linkAddress", "interface", "neighbours"],
  catnip: ["address", "linkAddress", "ealInit", "neighbours"],
};

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
/** What the kernel takes for the name of an interface. */
const INTERFACE = /^[^\s/:]{1,15}$/;

/** Environment variables that upstream prefers to its file; of some it ends the process if they are malformed. */
const OVERRIDES = [
  "LOCAL_IPV4_ADDR",
  "LOCAL_LINK_ADDR",
  "LINUX_INTERFACE_NAME",
  "LINGER",
  "NODELAY",
  "MTU",
  "ARP_CACHE_TTL",
  "ARP_REQUEST_TIMEOUT",
  "ARP_REQUEST_RETRIES",
] as const;

/**
 * Sees to it that upstream gets the configuration that was checked, as far as the environment may be read.
 *
 * @throws {DemikernelError} `EINVAL` for a variable that would override it.
 */
export function checkEnvironment(): void {
  const name = OVERRIDES.find((variable) => readEnv(variable) !== undefined);
  if (name === undefined) return;
  throw new DemikernelError("EINVAL", "open", {
    detail: `the environment variable ${name} would override the configuration; unset it`,
  });
}

/** What is right for a key, in words and as a check. */
const CHECKS: Record<keyof NativeConfiguration, [what: string, check: (value: never) => boolean]> =
  {
    address: ["an IPv4 address other than 0.0.0.0", isAddress],
    linkAddress: ["a MAC address", isMac],
    interface: ["the name of a network interface", (value: unknown) => matches(value, INTERFACE)],
    ealInit: [
      "arguments of rte_eal_init, the program's name first",
      (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isText),
    ],
    neighbours: [
      "MAC addresses by IPv4 address",
      (value: unknown) =>
        typeof value === "object" && value !== null && !Array.isArray(value) &&
        Object.entries(value).every(([address, mac]) => isAddress(address) && isMac(mac)),
    ],
    mtu: ["an integer from 576 to 65535", (value: unknown) => isInteger(value, 576)],
    mss: ["an integer from 536 to 65535", (value: unknown) => isInteger(value, 536)],
  };

/**
 * Fills the defaults in.
 *
 * @throws {DemikernelError} `EINVAL` for a key that is unknown, wrong, or needed and missing.
 */
export function checkConfiguration(
  libos: NativeLibOS,
  configuration: NativeConfiguration,
): CheckedConfiguration {
  const refuse = (detail: string) =>
    new DemikernelError("EINVAL", "open", { detail: `the configuration of ${libos}: ${detail}` });
  // Callers without types may give anything.
  if (typeof configuration !== "object" || configuration === null || Array.isArray(configuration)) {
    throw refuse(`it is an object, or the path of a file, not ${inspect(configuration)}`);
  }
  for (const [key, value] of Object.entries(configuration)) {
    if (!Object.hasOwn(CHECKS, key)) {
      throw refuse(`there is no "${key}"; there is ${Object.keys(CHECKS).join(", ")}`);
    }
    const [what, check] = CHECKS[key as keyof NativeConfiguration];
    if (value !== undefined && !check(value as never)) {
      throw refuse(`"${key}" must be ${what}, not ${inspect(value)}`);
    }
  }
  for (const key of NEEDED[libos] ?? []) {
    if (configuration[key] === undefined) throw refuse(`"${key}" is missing; ${CHECKS[key][0]}`);
  }
  const given = Object.entries(configuration).filter(([, value]) => value !== undefined);
  const filled = { ...DEFAULTS, ...Object.fromEntries(given) };
  if (filled.mss + 40 > filled.mtu) {
    throw refuse(
      `an mss of ${filled.mss} and its headers, 40 bytes, exceed the mtu of ${filled.mtu}`,
    );
  }
  return filled as CheckedConfiguration;
}

/**
 * Lays a checked configuration out as upstream reads it. Every scalar is written as JSON, which is YAML.
 *
 * @param ownStack Whether upstream has a TCP of its own. There lingering is the length of TIME_WAIT, through which
 * closing would block. In catloop it would be how long the end of the data may take to get into the pipe.
 */
export function toYaml(
  configuration: CheckedConfiguration,
  ownStack = false,
): string {
  const { address, linkAddress, interface: device, ealInit, neighbours, mtu, mss } = configuration;
  const arp = Object.fromEntries(
    Object.entries(neighbours ?? {}).map(([ip, mac]) => [mac.toLowerCase(), ip]),
  );
  const sections: Record<string, Record<string, unknown>> = {
    demikernel: {
      local_ipv4_addr: address,
      local_link_addr: linkAddress?.toLowerCase() ?? "00:00:00:00:00:00",
    },
    raw_socket: { linux_interface_name: device ?? "lo", xdp_interface_index: 0 },
    dpdk: { eal_init: ealInit ?? [""] },
    tcp_socket_options: {
      keepalive: { enabled: false, time_millis: 0, interval: 0 },
      linger: { enabled: ownStack, time_seconds: 0 },
      nodelay: true,
    },
    inetstack_config: {
      mtu,
      mss,
      enable_jumbo_frames: false,
      udp_checksum_offload: false,
      tcp_checksum_offload: false,
      arp_table: arp,
      arp_request_retries: 5,
      arp_request_timeout: 1,
      arp_cache_ttl: 600,
    },
  };
  return Object.entries(sections).map(([name, keys]) =>
    `${name}:\n` +
    Object.entries(keys).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`).join("")
  ).join("");
}

function isText(value: unknown): boolean {
  return typeof value === "string" && !value.includes("\0");
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

function isMac(value: unknown): boolean {
  return matches(value, MAC);
}

function isAddress(value: unknown): boolean {
  return typeof value === "string" && isIPv4(value) && value !== "0.0.0.0";
}

function isInteger(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= 65535;
}
