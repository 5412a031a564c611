/**
 * The values of socket options, checked.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { DemikernelError, inspect } from "../../error.ts";
import { IpAddress } from "../ip_address.ts";
import type { KeepAlive, MulticastGroup, SocketOptions } from "../../pdpix.ts";

/** All options of sockets over the stack. There is no `reusePort`: a stack is of one thread, which shares nothing. */
export const OPTIONS: readonly (keyof SocketOptions)[] = Object.freeze(
  [
    "nodelay",
    "keepalive",
    "reuseAddress",
    "broadcast",
    "multicastLoopback",
    "sendBuffer",
    "receiveBuffer",
    "maxSegmentSize",
    "multicastTtl",
    "linger",
    "congestion",
    "userTimeout",
    "multicastJoin",
    "multicastLeave",
  ] as const,
);

/** The error of a value that is none of an option. */
function wrongValue(qd: number, option: string, what: string): DemikernelError {
  return new DemikernelError("EINVAL", "setsockopt", {
    qd,
    detail: `the option "${option}" must be ${what}`,
  });
}

/** The error of an option that a kind of socket has not, or that can only be set. */
export function noOption(qd: number, operation: string, detail: string): DemikernelError {
  return new DemikernelError("ENOPROTOOPT", operation, { qd, detail });
}

/** A flag. */
export function readFlag(qd: number, option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw wrongValue(qd, option, `true or false, not ${inspect(value)}`);
}

/** An integer in a range. */
export function readInteger(
  qd: number,
  option: string,
  value: unknown,
  least: number,
  most: number,
): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number;
  }
  const range = `an integer from ${least} to ${most}`;
  throw wrongValue(qd, option, `${range}, not ${inspect(value)}`);
}

/** The size of a buffer: what is asked for, within what there may be. */
export function readBuffer(qd: number, option: string, value: unknown): number {
  const wanted = readInteger(qd, option, value, 1, 0x7fffffff);
  return Math.min(Math.max(wanted, BOUNDS.LEAST_BUFFER), BOUNDS.MOST_BUFFER);
}

/** The times of keep-alive, in seconds; what is not given is not changed. */
export function readKeepAlive(qd: number, value: KeepAlive): KeepAlive {
  const { idle, interval, count } = value;
  const check = (name: string, one: number | undefined, most: number) => {
    if (one !== undefined) readInteger(qd, `keepalive.${name}`, one, 1, most);
  };
  check("idle", idle, 32_767);
  check("interval", interval, 32_767);
  check("count", count, 127);
  return value;
}

/** A group of a version. */
export function readGroup(
  qd: number,
  option: string,
  value: MulticastGroup,
  version: 4 | 6,
): IpAddress {
  const group = typeof value?.group === "string" ? IpAddress.parse(value.group) : null;
  if (group !== null && group.version === version && group.isMulticast) return group;
  throw wrongValue(qd, option, `a group of IPv${version}, not ${inspect(value?.group)}`);
}
