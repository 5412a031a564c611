/**
 * Options of sockets: those of the libOS under the names of a kernel.
 *
 * @module
 */

import { DEFAULT_MSS } from "../../../libos/inetstack/tcp/connection.ts";
import type { Descriptor } from "./descriptor.ts";
import { Errno } from "../../../libos/error.ts";
import type { Expression } from "./syntax.ts";
import { fieldOf, named, numberOf, textOf } from "./values.ts";
import type { SocketOptions } from "../../../libos/pdpix.ts";
import type { System } from "./system.ts";

/** Sets an option. One that the stack has no use for is remembered. */
export function setOption(
  system: System,
  one: Descriptor,
  option: number,
  value: Expression | undefined,
): void {
  const number = numberOf(value) ?? 0;
  switch (option) {
    case named("SO_REUSEADDR"):
      return set(system, one, "reuseAddress", number !== 0);
    case named("SO_BROADCAST"):
      return set(system, one, "broadcast", number !== 0);
    case named("SO_RCVBUF"):
      one.options.set(option, number);
      return set(system, one, "receiveBuffer", Math.max(number, 1));
    case named("SO_SNDBUF"):
      one.options.set(option, number);
      return set(system, one, "sendBuffer", Math.max(number, 1));
    case named("TCP_MAXSEG"):
      // 0 takes it back, on Linux.
      return set(system, one, "maxSegmentSize", number || 32_767);
    case named("TCP_NODELAY"):
      return set(system, one, "nodelay", number !== 0);
    case named("SO_LINGER"): {
      const seconds = numberOf(fieldOf(value, "linger", "l_linger")) ?? 0;
      const on = numberOf(fieldOf(value, "onoff", "l_onoff")) ?? 0;
      return set(system, one, "linger", on === 0 ? null : seconds);
    }
    case named("SO_KEEPALIVE"):
      one.keepalive = number !== 0;
      return keepAlive(system, one);
    case named("TCP_KEEPIDLE"):
      one.keepaliveTimes = { ...one.keepaliveTimes, idle: number };
      return keepAlive(system, one);
    case named("TCP_KEEPINTVL"):
      one.keepaliveTimes = { ...one.keepaliveTimes, interval: number };
      return keepAlive(system, one);
    case named("TCP_KEEPCNT"):
      one.keepaliveTimes = { ...one.keepaliveTimes, count: number };
      return keepAlive(system, one);
    case named("TCP_KEEPINIT"):
      one.connectTimeout = number * 1000;
      return;
    case named("TCP_CORK"):
      one.corked = number !== 0;
      return;
    case named("TCP_INQ"):
      one.tellsRest = number !== 0;
      return;
    case named("TCP_CONGESTION"):
      return set(system, one, "congestion", textOf(value)?.endsWith("reno") ? "reno" : "cubic");
    case named("TCP_USER_TIMEOUT"):
      one.options.set(option, number);
      return set(system, one, "userTimeout", number);
    default:
      one.options.set(option, number);
      system.settings.notes.add(`ignored: option ${option} of a socket`);
  }
}

function keepAlive(system: System, one: Descriptor): void {
  set(system, one, "keepalive", one.keepalive ? one.keepaliveTimes : false);
}

function set<K extends keyof SocketOptions>(
  system: System,
  one: Descriptor,
  option: K,
  value: SocketOptions[K],
): void {
  if (one.type === "dgram" && (option === "linger" || option === "keepalive")) return;
  system.host.setsockopt(one.qd, option, value);
}

/** Compares an option with what the script expects; says what is wrong. */
export function getOption(
  system: System,
  one: Descriptor,
  option: number,
  expected: Expression | undefined,
): string | null {
  if (option === named("SO_LINGER") || option === named("TCP_CONGESTION")) return null;
  const wanted = numberOf(expected);
  const found = valueOf(system, one, option);
  return wanted === null || found === wanted ? null : `the option is ${found}, not ${wanted}`;
}

function valueOf(system: System, one: Descriptor, option: number): number {
  const { host, settings } = system;
  const { connection } = one;
  switch (option) {
    case named("SO_ERROR"): {
      const gone = connection !== null && connection.error !== 0 && !one.told
        ? connection.error
        : 0;
      const errno = one.error === null
        ? gone
        : (Errno as Readonly<Record<string, number>>)[one.error]!;
      one.error = null;
      if (errno === 0) return 0;
      one.told = true;
      return settings.profile === "freebsd" && system.refused ? Errno.ECONNREFUSED : errno;
    }
    case named("SO_REUSEADDR"):
      return Number(host.getsockopt(one.qd, "reuseAddress"));
    case named("TCP_NODELAY"):
      return Number(host.getsockopt(one.qd, "nodelay"));
    case named("SO_KEEPALIVE"):
      return Number(one.keepalive);
    case named("TCP_KEEPIDLE"):
      return one.keepaliveTimes.idle ?? settings.keepalive.idle;
    case named("TCP_KEEPINTVL"):
      return one.keepaliveTimes.interval ?? settings.keepalive.interval;
    case named("TCP_KEEPCNT"):
      return one.keepaliveTimes.count ?? settings.keepalive.count;
    case named("TCP_KEEPINIT"):
      return one.connectTimeout / 1000;
    case named("TCP_CORK"):
      return Number(one.corked);
    case named("TCP_INQ"):
      return Number(one.tellsRest);
    case named("TCP_MAXSEG"):
      if (settings.profile === "freebsd" && connection === null) return DEFAULT_MSS;
      return host.getsockopt(one.qd, "maxSegmentSize");
    case named("SO_RCVBUF"):
    case named("SO_SNDBUF"): {
      const isReceive = option === named("SO_RCVBUF");
      if (settings.profile === "freebsd" && isReceive && connection !== null) {
        return connection.receiveLimit;
      }
      const value = one.options.get(option) ??
        host.getsockopt(one.qd, isReceive ? "receiveBuffer" : "sendBuffer");
      // Linux doubles what is asked for, for its own bookkeeping (`socket(7)`).
      return settings.profile === "linux" && one.options.has(option) ? value * 2 : value;
    }
    default:
      return one.options.get(option) ?? 0;
  }
}
