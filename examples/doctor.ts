/**
 * Tells which libOSes work on this machine, and what is missing for the others. Each is tried in a process of its own,
 * since a native one can end its process.
 *
 * ```sh
 * deno task doctor
 * ```
 *
 * @module
 */

import { dpdk } from "../ffi/dpdk/dpdk.ts";
import { LIBOS_NAMES, type LibOSName, open } from "../mod.ts";

/** What came of trying a libOS. */
interface Finding {
  /** `yes`, `no`, or what else it needs. */
  readonly works: string;
  /** Why not, and what to do. */
  readonly advice: readonly string[];
}

/** These need a device that a person has to choose; all else can be tried. */
const DEVICES: Partial<Record<LibOSName, string>> = {
  "catpowder":
    "a TAP device or a network interface, as `device`, and `addresses`; see docs/catpowder.md",
  "catnip": "a memif socket or a DPDK device, as `device`, and `addresses`; see docs/catnip.md",
  "demikernel:catpowder":
    "a network interface without an address of the kernel's, its MAC address, and those of its neighbours, as " +
    "`configuration`; see docs/demikernel.md",
  "demikernel:catnip": "a DPDK device, as `configuration`; see docs/demikernel.md",
};

/** Where TAP devices are opened. */
const TUN = "/dev/net/tun";

/** Bits in the capabilities of a process. */
const CAPABILITIES = { CAP_NET_RAW: 13n, CAP_NET_ADMIN: 12n, CAP_BPF: 39n };

/** Opens a libOS and uses it a little; fails as that does. */
async function tryOut(name: LibOSName): Promise<void> {
  await using libos = open({ libos: name });
  if (libos.capabilities.types.includes("stream")) {
    const qd = libos.socket("inet", "stream");
    libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
    libos.listen(qd);
  }
  if (libos.capabilities.pipes) libos.pipe(`doctor-${Deno.pid}`, "pop");
}

async function examine(name: LibOSName): Promise<Finding> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, name],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return { works: "yes", advice: [] };
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  const device = DEVICES[name];
  // What it is told is checked before the library is looked for, which may not be there.
  if (device === undefined || !lines.join().includes("EINVAL")) {
    return { works: "no", advice: lines };
  }
  const [provider, native] = name.split(":");
  const advice = native === undefined
    ? []
    : [`build it, if that has not been done: deno task ${provider} ${native}`];
  advice.push(`give it ${device}`);
  if (name.endsWith("catpowder")) {
    const lacking = missingCapabilities();
    if (lacking.includes("CAP_NET_RAW")) {
      advice.push("for a network interface, run as root, or with CAP_NET_RAW");
    }
    if (name === "catpowder" && lacking.length > 0) {
      advice.push(`for XDP, run as root, or with ${lacking.join(", ")}`);
    }
  }
  if (name === "catpowder") advice.push(...missingForTap());
  if (name === "catnip") advice.push(...missingForDpdk());
  return { works: "with a device", advice };
}

/** What of the capabilities for a network interface this process lacks. */
function missingCapabilities(): string[] {
  if (Deno.build.os !== "linux") return [];
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)?.[1] ?? "0"}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => (effective >> bit & 1n) === 0n)
    .map(([name]) => name);
}

/** Why DPDK cannot be loaded here, if so: tried without starting it. */
function missingForDpdk(): string[] {
  try {
    dpdk();
    return [];
  } catch (error) {
    return [`for DPDK: ${(error as Error).message}`];
  }
}

/** Why TAP devices cannot be opened here, if so: tried without making one. */
function missingForTap(): string[] {
  try {
    Deno.openSync(TUN, { read: true, write: true }).close();
    return [];
  } catch (error) {
    return [
      `for a TAP device, ${TUN} has to be there and open to this user: ${(error as Error).message}`,
    ];
  }
}

async function report(): Promise<void> {
  const { os, arch } = Deno.build;
  console.log(`Deno ${Deno.version.deno} on ${os}, ${arch}\n`);
  const width = Math.max(...LIBOS_NAMES.map((name) => name.length));
  for (const name of LIBOS_NAMES) {
    const { works, advice } = await examine(name);
    console.log(`${name.padEnd(width)}  ${works}`);
    for (const line of advice) console.log(`${" ".repeat(width)}    ${line}`);
  }
}

if (import.meta.main) {
  const [name] = Deno.args;
  if (name === undefined) await report();
  else {
    try {
      await tryOut(name as LibOSName);
    } catch (error) {
      console.error((error as Error).message);
      Deno.exit(1);
    }
  }
}
