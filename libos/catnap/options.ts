/**
 * Socket options of catnap: checked, and laid out for the kernel.
 *
 * @module
 */

import { check } from "../../ffi/libc/call.ts";
import { IP, IPV6, SO, SOL, TCP } from "../../ffi/libc/constants.ts";
import type { Libc } from "../../ffi/libc/load.ts";
import { type AddressBytes, parseAddress } from "../runtime/address.ts";
import { DemikernelError, inspect } from "../error.ts";
import type { Domain, KeepAlive, MulticastGroup, SocketOptions } from "../pdpix.ts";

/** An option whose value is one integer: its level and name, by domain where that matters. */
type IntegerOption = (domain: Domain) => readonly [level: number, name: number];

const FLAGS: Partial<Record<keyof SocketOptions, IntegerOption>> = {
  nodelay: () => [SOL.TCP, TCP.NODELAY],
  keepalive: () => [SOL.SOCKET, SO.KEEPALIVE],
  reusePort: () => [SOL.SOCKET, SO.REUSEPORT],
  reuseAddress: () => [SOL.SOCKET, SO.REUSEADDR],
  broadcast: () => [SOL.SOCKET, SO.BROADCAST],
  multicastLoopback: (domain) =>
    domain === "inet" ? [SOL.IP, IP.MULTICAST_LOOP] : [SOL.IPV6, IPV6.MULTICAST_LOOP],
};

const SIZES: Partial<Record<keyof SocketOptions, readonly [IntegerOption, number, number]>> = {
  sendBuffer: [() => [SOL.SOCKET, SO.SNDBUF], 1, 0x7fffffff],
  receiveBuffer: [() => [SOL.SOCKET, SO.RCVBUF], 1, 0x7fffffff],
  maxSegmentSize: [() => [SOL.TCP, TCP.MAXSEG], 88, 32767],
  multicastTtl: [
    (domain) => domain === "inet" ? [SOL.IP, IP.MULTICAST_TTL] : [SOL.IPV6, IPV6.MULTICAST_HOPS],
    0,
    255,
  ],
};

/** The times of keep-alive: their names here and in TCP, and the most that Linux takes. */
const KEEP_ALIVE: readonly (readonly [keyof KeepAlive, name: number, most: number])[] = [
  ["idle", TCP.KEEPIDLE, 32767],
  ["interval", TCP.KEEPINTVL, 32767],
  ["count", TCP.KEEPCNT, 127],
];

/** All options that catnap has. */
export const OPTIONS: readonly (keyof SocketOptions)[] = [
  ...Object.keys(FLAGS) as (keyof SocketOptions)[],
  ...Object.keys(SIZES) as (keyof SocketOptions)[],
  "linger",
  "multicastJoin",
  "multicastLeave",
];

/** A socket whose options are read and set. */
export interface OptionSocket {
  /** The functions of libc. */
  readonly libc: Libc;
  /** The socket. */
  readonly fd: number;
  /** Its domain. */
  readonly domain: Domain;
  /** Named in errors. */
  readonly qd: number;
}

/** Sets an option. Throws {@linkcode DemikernelError} `EINVAL` for a wrong value, and as the kernel says. */
export function setOption(socket: OptionSocket, option: keyof SocketOptions, value: unknown): void {
  const flag = FLAGS[option];
  const size = SIZES[option];
  if (option === "keepalive" && typeof value === "object" && value !== null) {
    setKeepAlive(socket, value);
  } else if (option === "linger") {
    const seconds = value === null ? 0 : checkInteger(socket, option, value, 0, 0x7fffffff);
    setInts(socket, SOL.SOCKET, SO.LINGER, [value === null ? 0 : 1, seconds]);
  } else if (option === "multicastJoin" || option === "multicastLeave") {
    setMembership(socket, option, value as MulticastGroup);
  } else if (flag !== undefined) {
    if (typeof value !== "boolean") {
      throw wrong(socket, option, `true or false, not ${inspect(value)}`);
    }
    setInts(socket, ...flag(socket.domain), [Number(value)]);
  } else if (size !== undefined) {
    const [name, least, most] = size;
    const integer = checkInteger(socket, option, value, least, most);
    setInts(socket, ...name(socket.domain), [integer]);
  }
}

/** Reads an option. Throws {@linkcode DemikernelError} `ENOPROTOOPT` for one that can only be set. */
export function getOption(socket: OptionSocket, option: keyof SocketOptions): unknown {
  if (option === "linger") {
    const [on, seconds] = getInts(socket, SOL.SOCKET, SO.LINGER, 2);
    return on === 0 ? null : seconds;
  }
  const flag = FLAGS[option];
  if (flag !== undefined) return getInts(socket, ...flag(socket.domain), 1)[0] !== 0;
  const size = SIZES[option];
  if (size !== undefined) return getInts(socket, ...size[0](socket.domain), 1)[0];
  throw new DemikernelError("ENOPROTOOPT", "getsockopt", {
    qd: socket.qd,
    detail: `the option "${option}" can only be set`,
  });
}

function setKeepAlive(socket: OptionSocket, times: KeepAlive): void {
  const given = KEEP_ALIVE.filter(([key]) => times[key] !== undefined);
  // All are checked before one is set.
  const values = given.map(([key, , most]) =>
    checkInteger(socket, `keepalive.${key}`, times[key], 1, most)
  );
  given.forEach(([, name], i) => setInts(socket, SOL.TCP, name, [values[i]!]));
  setInts(socket, SOL.SOCKET, SO.KEEPALIVE, [1]);
}

/** `struct ip_mreq` is group and interface address; `struct ipv6_mreq` is group and interface index. */
function setMembership(
  socket: OptionSocket,
  option: "multicastJoin" | "multicastLeave",
  membership: MulticastGroup,
): void {
  const join = option === "multicastJoin";
  const group = parseText(membership?.group);
  const length = socket.domain === "inet" ? 4 : 16;
  if (group === null || group.bytes.length !== length) {
    const given = inspect(membership?.group);
    throw wrong(socket, option, `a group of domain ${socket.domain}, not ${given}`);
  }
  const request = new Uint8Array(length + 4);
  request.set(group.bytes);
  const through = membership.interface;
  if (socket.domain === "inet") {
    const local = parseText(through ?? "0.0.0.0");
    if (local === null || local.bytes.length !== 4) {
      const given = inspect(through);
      throw wrong(socket, option, `an IPv4 address of the interface, not ${given}`);
    }
    request.set(local.bytes, 4);
    set(socket, SOL.IP, join ? IP.ADD_MEMBERSHIP : IP.DROP_MEMBERSHIP, request);
  } else {
    const index = checkInteger(socket, `${option}.interface`, through ?? 0, 0, 0x7fffffff);
    new DataView(request.buffer).setInt32(16, index, true);
    set(socket, SOL.IPV6, join ? IPV6.JOIN_GROUP : IPV6.LEAVE_GROUP, request);
  }
}

function parseText(text: unknown): AddressBytes | null {
  return typeof text === "string" ? parseAddress(text) : null;
}

function setInts(socket: OptionSocket, level: number, name: number, values: number[]): void {
  set(socket, level, name, new Uint8Array(Int32Array.from(values).buffer));
}

function set(
  socket: OptionSocket,
  level: number,
  name: number,
  value: Uint8Array<ArrayBuffer>,
): void {
  check("setsockopt", socket.libc.setsockopt(socket.fd, level, name, value, value.length));
}

function getInts(
  socket: OptionSocket,
  level: number,
  name: number,
  count: number,
): Int32Array {
  const value = new Int32Array(count);
  const length = Uint32Array.of(value.byteLength);
  check("getsockopt", socket.libc.getsockopt(socket.fd, level, name, value, length));
  return value;
}

function checkInteger(
  socket: OptionSocket,
  option: string,
  value: unknown,
  least: number,
  most: number,
): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number;
  }
  throw wrong(socket, option, `an integer from ${least} to ${most}, not ${inspect(value)}`);
}

function wrong(socket: OptionSocket, option: string, what: string): DemikernelError {
  return new DemikernelError("EINVAL", "setsockopt", {
    qd: socket.qd,
    detail: `the option "${option}" must be ${what}`,
  });
}
