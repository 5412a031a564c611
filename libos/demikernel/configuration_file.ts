/**
 * An existing configuration file. It is read first, since upstream ends the process over one that it cannot make sense
 * of, and since some of it is needed here. Upstream gets the same values, laid out so that it reads them as they were
 * read here.
 *
 * @module
 */

import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { DemikernelError } from "../error.ts";
import { checkConfiguration, type NativeConfiguration, OWN_STACK } from "./configuration.ts";
import { parseYaml, type Yaml, YamlError, type YamlMap } from "./yaml.ts";

/** What is needed of the file here. */
export interface FileConfiguration {
  /** What upstream is to read. */
  readonly text: string;
  /** The IPv4 address of the libOS. */
  readonly address: string;
  /** The most that one TCP segment holds, in bytes. */
  readonly mss: number;
}

const STACK = "inetstack_config";
/** What upstream needs beside a table of neighbours. */
const ARP_KEYS = ["arp_cache_ttl", "arp_request_timeout", "arp_request_retries"];

/**
 * Reads a file.
 *
 * @throws {DemikernelError} `ENOENT` if it cannot be read, `EINVAL` with the line that is not understood, or for a value
 * that upstream would end the process over.
 */
export function readConfigurationFile(path: string, libos: NativeLibOS): FileConfiguration {
  const text = readText(path);
  try {
    const document = parseYaml(text);
    if (!isMap(document)) throw new YamlError("it consists of no keys");
    if (OWN_STACK.includes(libos)) checkNeeded(document);
    const { address, mss } = checkConfiguration(libos, extract(document, libos));
    const sections = Object.entries(document);
    return {
      text: sections.map((pair) => pair.map(toJson).join(": ") + "\n").join(""),
      address,
      mss,
    };
  } catch (cause) {
    if (!(cause instanceof YamlError) && !(cause instanceof DemikernelError)) throw cause;
    throw new DemikernelError("EINVAL", "open", {
      detail: `the configuration ${path}: ${cause.message}`,
      cause,
    });
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new DemikernelError("ENOENT", "open", {
      detail: `the configuration ${path} cannot be read: ${(cause as Error).message}`,
      cause,
    });
  }
}

function toJson(value: Yaml): string {
  return JSON.stringify(value);
}

function isMap(value: Yaml | undefined): value is YamlMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a stack of upstream's own ends the process for the lack of. */
function checkNeeded(document: YamlMap): void {
  const refuse = (key: string, what: string) =>
    new YamlError(`"${key}" in "${STACK}" must be ${what}`);
  if (typeof find(document, STACK, "udp_checksum_offload") !== "boolean") {
    throw refuse("udp_checksum_offload", "true or false");
  }
  if (!isMap(find(document, STACK, "arp_table"))) return;
  for (const key of ARP_KEYS) {
    const value = find(document, STACK, key);
    if (!Number.isInteger(value) || (value as number) < 0) {
      throw refuse(key, 'an integer of 0 or more, beside "arp_table"');
    }
  }
}

function find(document: YamlMap, section: string, key: string): Yaml | undefined {
  const keys = document[section];
  return isMap(keys) ? keys[key] : undefined;
}

/** What is known here of what a file says. */
function extract(document: YamlMap, libos: NativeLibOS): NativeConfiguration {
  const arp = find(document, STACK, "arp_table");
  const neighbours = isMap(arp) ? Object.entries(arp).map(([mac, ip]) => [ip, mac]) : undefined;
  const found: Record<string, unknown> = {
    address: find(document, "demikernel", "local_ipv4_addr"),
    mtu: find(document, STACK, "mtu"),
    mss: find(document, STACK, "mss"),
  };
  if (libos !== "catmem") found.address ??= null;
  if (OWN_STACK.includes(libos)) {
    found.linkAddress = find(document, "demikernel", "local_link_addr");
    // Without a table there is no ARP.
    found.neighbours = Object.fromEntries(neighbours ?? []);
  }
  if (libos === "catpowder") found.interface = find(document, "raw_socket", "linux_interface_name");
  if (libos === "catnip") found.ealInit = find(document, "dpdk", "eal_init");
  const given = Object.entries(found).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}
