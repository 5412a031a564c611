/**
 * Network interfaces of the kernel, looked at before a device is opened on one.
 *
 * @module
 */

import { DemikernelError, type ErrnoName, inspect } from "../error.ts";
import {
  inspectInterface,
  INTERFACE_NAME_MAX,
  type NetworkInterface,
} from "../../ffi/libc/ifreq.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { Errno } from "../error.ts";
import { MacAddress } from "../inetstack/wire/ethernet.ts";

/** What the kernel takes for the name of an interface. */
const NAME = new RegExp(`^[^\\s/:]{1,${INTERFACE_NAME_MAX}}$`);

/** The least payload of a frame that IPv4 does with (RFC 791); IPv6 needs 1280. */
const LEAST_MTU = 576;

/** An error of opening a device. */
export function deviceError(errno: ErrnoName | number, detail: string): DemikernelError {
  return new DemikernelError(errno, "open", { detail });
}

/** Checks the name of an interface. Throws {@linkcode DemikernelError} `EINVAL`. */
export function checkInterfaceName(name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw deviceError(
    "EINVAL",
    `an interface has a name of 1 to ${INTERFACE_NAME_MAX} letters, such as eth0, unlike ${
      inspect(name)
    }`,
  );
}

/** Checks an integer in a range. Throws {@linkcode DemikernelError} `EINVAL`. */
export function checkInteger(name: string, value: unknown, least: number, most: number): void {
  const isRight = Number.isInteger(value) && (value as number) >= least &&
    (value as number) <= most;
  if (isRight) return;
  throw deviceError(
    "EINVAL",
    `${name} must be an integer from ${least} to ${most}, not ${inspect(value)}`,
  );
}

/** Reads an Ethernet address of one host. Throws {@linkcode DemikernelError} `EINVAL`. */
export function readMac(text: unknown): Uint8Array<ArrayBuffer> {
  const mac = typeof text === "string" ? MacAddress.parse(text) : null;
  if (mac !== null) {
    const bytes = Uint8Array.from((text as string).split(":"), (byte) => parseInt(byte, 16));
    if ((bytes[0]! & 1) === 0 && bytes.some((byte) => byte !== 0)) return bytes;
  }
  throw deviceError(
    "EINVAL",
    `mac must be the Ethernet address of one host, such as 02:00:00:00:00:01, not ${inspect(text)}`,
  );
}

/**
 * An interface that a device can be opened on. Throws {@linkcode DemikernelError}: `ENODEV` if there is none of that
 * name, and says how to `make` one; `ENETDOWN` if it is down; `ENOTSUP` if its frames are not Ethernet's.
 */
export function usableInterface(name: string, make: string): NetworkInterface {
  let found: NetworkInterface;
  try {
    found = inspectInterface(name);
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    if (error.errno !== Errno.ENODEV) throw deviceError(error.errno, error.message);
    throw deviceError("ENODEV", `there is no interface ${name} here; ${make}`);
  }
  if (!found.ethernet) {
    throw deviceError("ENOTSUP", `the frames of the interface ${name} are not Ethernet's`);
  }
  if (!found.up) {
    throw deviceError("ENETDOWN", `the interface ${name} is down: ip link set ${name} up`);
  }
  if (found.mtu < LEAST_MTU) {
    throw deviceError(
      "ENOTSUP",
      `the interface ${name} takes packets of ${found.mtu} bytes: ip link set ${name} mtu 1500`,
    );
  }
  return found;
}

/** Runs calls of libc; what fails becomes an error of opening a device, with advice by errno. */
export function opening<T>(
  what: string,
  advice: Partial<Record<ErrnoName, string>>,
  calls: () => T,
): T {
  try {
    return calls();
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    const code = new DemikernelError(error.errno, "open").code as ErrnoName;
    throw deviceError(error.errno, `${what}: ${advice[code] ?? error.message}`);
  }
}
