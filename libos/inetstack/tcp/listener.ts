/**
 * Listening: who may connect, and who did.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Packet } from "../ip/packet.ts";

/** Who has a listener. */
export interface ListenerUser {
  /** A connection is there to be accepted. */
  acceptable(): void;
}

/** A socket that listens. */
export class Listener {
  /** Its address, or all of the host's. */
  readonly local: IpAddress;
  /** Its port. */
  readonly port: number;
  /** How many connections it holds at most that nobody accepted, half-open ones with them. */
  readonly backlog: number;
  /** Bytes that a connection of it holds until they are taken. */
  receiveLimit: number;
  /** Bytes that a connection of it keeps until they are acknowledged. */
  sendLimit: number;
  /** Bytes of payload that a segment of a connection of it has at most; 0 for no limit. */
  maxSegmentSize = 0;
  /** Who has it. */
  user: ListenerUser | null = null;
  /** Connections on the way: their SYN was answered. */
  halfOpen = 0;
  readonly #ready: Connection[] = [];

  /** Makes one. */
  constructor(
    local: IpAddress,
    port: number,
    backlog: number,
    receiveLimit: number,
    sendLimit: number,
  ) {
    this.local = local;
    this.port = port;
    this.backlog = backlog;
    this.receiveLimit = receiveLimit;
    this.sendLimit = sendLimit;
  }

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.halfOpen + this.#ready.length < this.backlog;
  }

  /** Whether so many wait to be accepted that nobody else may. */
  get isFull(): boolean {
    return this.#ready.length >= this.backlog;
  }

  /** Whether there is somebody to accept. */
  get isReady(): boolean {
    return this.#ready.length > 0;
  }

  /** One that was half-open is whole. */
  established(connection: Connection): void {
    this.halfOpen--;
    this.#ready.push(connection);
    this.user?.acceptable();
  }

  /** Takes the oldest; null if there is none. One that failed meanwhile is given too, and tells its error. */
  accept(): Connection | null {
    const connection = this.#ready.shift() ?? null;
    if (connection !== null) connection.listener = null;
    return connection;
  }
}

/** The listeners of a host. */
export class Listeners {
  readonly #byPort = new Map<number, Listener[]>();

  /** Adds one. */
  add(listener: Listener): void {
    const listeners = this.#byPort.get(listener.port);
    if (listeners === undefined) this.#byPort.set(listener.port, [listener]);
    else listeners.push(listener);
  }

  /** Takes one out. */
  remove(listener: Listener): void {
    const listeners = this.#byPort.get(listener.port)!;
    listeners.splice(listeners.indexOf(listener), 1);
    if (listeners.length === 0) this.#byPort.delete(listener.port);
  }

  /** The listener that a packet to a port is for; null if there is none. */
  find(packet: Packet, port: number): Listener | null {
    const listeners = this.#byPort.get(port);
    if (listeners === undefined) return null;
    let best: Listener | null = null;
    for (const listener of listeners) {
      const { local } = listener;
      const isSame = local.version === packet.version;
      if (isSame && local.is(packet.d0, packet.d1, packet.d2, packet.d3)) return listener;
      // That of IPv6 stands for IPv4, too.
      if (local.isUnspecified && (isSame || local.version === 6)) best = listener;
    }
    return best;
  }
}
