/**
 * An existing configuration file, used as it is. It is read first, since upstream ends the process over one
 * that it cannot make sense of, and since some of it is needed here.
 *
 * Only what such files consist of is understood: sections of keys, each with a value on its line, or with a block of keys
 * or items below it. What else YAML has is refused.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";

/** What is needed of the file here. */
export interface FileConfiguration {
  /** The text, as it is. */
  readonly text: string;
  /** The IPv4 address of the libOS. */
  readonly address: string;
  /** The most that one TCP segment holds, in bytes. */
  readonly mss: number;
}

const SECTION = /^([\w-]+):\s*$/;
const KEY = /^ +("[^"]+"|[\w:.-]+?):(?: +(.*))?$/;
const ITEM = /^ +- +(.+)$/;
const SCALAR = /^("(?:[^"\\]|\\.)*"|'[^']*'|[\w./:-]*|\[[^[\]]*\]|\{[^{}]*\})$/;

/**
 * Reads a file.
 *
 * @throws {DemikernelError} `ENOENT` if it cannot be read, `EINVAL` with the line that is not understood, or for a value
 * that upstream would end the process over.
 */
export function readConfigurationFile(path: string): FileConfiguration {
  const text = readText(path);
  const refuse = (detail: string) =>
    new DemikernelError("EINVAL", "open", { detail: `the configuration ${path}: ${detail}` });
  const values = new Map<string, string>();
  let section = "";
  text.split("\n").forEach((raw, index) => {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line === "" || line === "---") return;
    const begins = SECTION.exec(line);
    if (begins !== null) {
      section = begins[1]!;
      return;
    }
    const key = section === "" ? null : KEY.exec(line);
    const value = key?.[2] ?? (section === "" ? undefined : ITEM.exec(line)?.[1]);
    if ((key === null && value === undefined) || !SCALAR.test(value ?? "")) {
      throw refuse(`line ${index + 1} is not understood: ${raw}`);
    }
    if (key !== null) values.set(`${section}.${key[1]}`, (value ?? "").replace(/^["']|["']$/g, ""));
  });
  const number = (key: string, least: number, byDefault: number) => {
    const value = values.get(`inetstack_config.${key}`);
    if (value === undefined) return byDefault;
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= 65535) {
      return Number(value);
    }
    throw refuse(`"${key}" must be an integer from ${least} to 65535, not ${value}`);
  };
  number("mtu", 576, 1500);
  return {
    text,
    address: values.get("demikernel.local_ipv4_addr") ?? "127.0.0.1",
    mss: number("mss", 536, 1450),
  };
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
