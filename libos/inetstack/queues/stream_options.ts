/**
 * The options of stream sockets.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { algorithmOf, DEFAULT_ALGORITHM } from "../tcp/congestion/algorithms.ts";
import type { CongestionControl } from "../tcp/congestion/congestion.ts";
import { type Connection, DEFAULT_MSS } from "../tcp/connection.ts";
import { noOption, readBuffer, readFlag, readInteger, readKeepAlive } from "./options.ts";
import type { KeepAlive, SocketOptions } from "../../pdpix.ts";

/** What a segment may be said to have at most: Linux's figures. */
const LEAST_MSS = 88;
const MOST_MSS = 32_767;

/** The options of a stream socket, which those that it accepts have, too. */
export interface StreamOptions {
  nodelay: boolean;
  linger: number | null;
  keepalive: boolean;
  keepaliveTimes: KeepAlive;
  reuseAddress: boolean;
  sendLimit: number;
  receiveLimit: number;
  /** Whether the user said how large the send buffer is; else it grows by itself. */
  setsSend: boolean;
  /** The same of the receive buffer. */
  setsReceive: boolean;
  /** 0 if the user said nothing. */
  maxSegmentSize: number;
  congestion: CongestionControl;
  userTimeout: number;
}

/** What a socket begins with. */
export const DEFAULTS: StreamOptions = Object.freeze({
  // Everything here is about latency.
  nodelay: true,
  linger: null,
  keepalive: false,
  keepaliveTimes: {},
  reuseAddress: false,
  sendLimit: BOUNDS.SEND_BUFFER,
  receiveLimit: BOUNDS.RECEIVE_BUFFER,
  setsSend: false,
  setsReceive: false,
  maxSegmentSize: 0,
  congestion: DEFAULT_ALGORITHM,
  userTimeout: 0,
});

/** Sets one, after its value was checked. */
export function setOption<K extends keyof SocketOptions>(
  options: StreamOptions,
  qd: number,
  option: K,
  value: SocketOptions[K],
): void {
  switch (option) {
    case "nodelay":
      options.nodelay = readFlag(qd, option, value);
      break;
    case "reuseAddress":
      options.reuseAddress = readFlag(qd, option, value);
      break;
    case "linger":
      options.linger = value === null ? null : readInteger(qd, option, value, 0, 0x7fffffff);
      break;
    case "keepalive":
      if (typeof value === "object" && value !== null) {
        const times = readKeepAlive(qd, value as KeepAlive);
        options.keepaliveTimes = { ...options.keepaliveTimes, ...times };
        options.keepalive = true;
      } else {
        options.keepalive = readFlag(qd, option, value);
      }
      break;
    case "sendBuffer":
      options.sendLimit = readBuffer(qd, option, value);
      options.setsSend = true;
      break;
    case "receiveBuffer":
      options.receiveLimit = readBuffer(qd, option, value);
      options.setsReceive = true;
      break;
    case "maxSegmentSize":
      options.maxSegmentSize = readInteger(qd, option, value, LEAST_MSS, MOST_MSS);
      break;
    case "congestion":
      options.congestion = algorithmOf(value, "setsockopt", qd);
      break;
    case "userTimeout":
      options.userTimeout = readInteger(qd, option, value, 0, 0x7fffffff);
      break;
    default:
      throw noOption(qd, "setsockopt", `a stream socket has no option "${option}"`);
  }
}

/** The value of one, of a socket that may have a connection. */
export function getOption<K extends keyof SocketOptions>(
  options: StreamOptions,
  connection: Connection | null,
  qd: number,
  option: K,
): SocketOptions[K] {
  const values: Partial<SocketOptions> = {
    nodelay: options.nodelay,
    reuseAddress: options.reuseAddress,
    linger: options.linger,
    keepalive: options.keepalive,
    sendBuffer: options.sendLimit,
    receiveBuffer: options.receiveLimit,
    maxSegmentSize: connection?.mss ?? (options.maxSegmentSize || DEFAULT_MSS),
    congestion: options.congestion.name,
    userTimeout: options.userTimeout,
  };
  const value = values[option];
  if (value !== undefined) return value as SocketOptions[K];
  throw noOption(
    qd,
    "getsockopt",
    `the option "${option}" of a stream socket cannot be read`,
  );
}

/** Gives a connection those that it has to know. */
export function applyOptions(options: StreamOptions, connection: Connection): void {
  const { nodelay, keepalive, keepaliveTimes, sendLimit, receiveLimit } = options;
  const { setsSend, setsReceive, congestion, userTimeout } = options;
  const { idle, interval, count } = keepaliveTimes;
  connection.nodelay = nodelay;
  connection.sendLimit = sendLimit;
  // What has grown by itself stays.
  connection.receiveLimit = setsReceive
    ? receiveLimit
    : Math.max(receiveLimit, connection.receiveLimit);
  connection.tunesSend = !setsSend;
  connection.tunesReceive = !setsReceive;
  connection.congestion = congestion;
  connection.userTimeout = userTimeout;
  if (idle !== undefined) connection.keepaliveIdle = idle * 1000;
  if (interval !== undefined) connection.keepaliveInterval = interval * 1000;
  if (count !== undefined) connection.keepaliveCount = count;
  connection.keepalive = keepalive;
}
