/**
 * What a file descriptor of a script stands for: a queue of PDPIX, and what a system of sockets remembers beside it.
 *
 * @module
 */

import type { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import type { KeepAlive, QToken, QueueDescriptor } from "../../../libos/pdpix.ts";

/** See the module's description. */
export class Descriptor {
  readonly qd: QueueDescriptor;
  readonly type: "stream" | "dgram";
  readonly domain: "inet" | "inet6";
  nonblocking = false;
  bound = false;
  listening = false;
  /** A connect that goes on, though its call is over. */
  connecting: QToken | null = null;
  /** The connection, once there is one; it stays when the connection is gone. */
  connection: Connection | null = null;
  /** An errno that was not told yet. */
  error: string | null = null;
  /** Whether the error of the connection was told: it is told once. */
  told = false;
  /** What was written and read so far. */
  written = 0;
  read = 0;
  /** `TCP_CORK`, and the bytes that wait for more, until when. */
  corked = false;
  held = 0;
  heldUntil = Infinity;
  /** `SO_KEEPALIVE` and its times, which may be set in any order. */
  keepalive = false;
  keepaliveTimes: KeepAlive = {};
  /** `TCP_KEEPINIT`: how long a connect is tried. */
  connectTimeout = Infinity;
  /** Whether what is left is told with each read (`TCP_INQ`). */
  tellsRest = false;
  /** What was set and the stack knows nothing of. */
  readonly options = new Map<number, number>();

  constructor(qd: QueueDescriptor, type: "stream" | "dgram", domain: "inet" | "inet6") {
    this.qd = qd;
    this.type = type;
    this.domain = domain;
  }

  /** Bytes that are there to be read. */
  get available(): number {
    return this.connection?.receiveBuffer.available ?? 0;
  }
}
