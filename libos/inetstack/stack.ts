/**
 * One host: its addresses and routes, what comes in is given to whom it is for, what goes out finds its way.
 *
 * The stack is a pure function of its state, the frames that come, and the time that it is told. It reads no clock, has no
 * timer of anybody's, and takes randomness from a generator that it is given. Time passes in {@linkcode Stack.poll} alone.
 *
 * @module
 */

import type { Device } from "./device.ts";
import type { Random } from "./random.ts";

/** A route: which network is reached through which router. */
export interface RouteOptions {
  /** The network, such as `192.168.0.0/16`; `0.0.0.0/0` or `::/0` for everything else. */
  readonly to: string;
  /** The router, an address on the link. */
  readonly via: string;
}

/** How a host is made. */
export interface StackOptions {
  /** Its addresses, with the length of the network's prefix: `10.0.0.2/24`, `fd00::2/64`. */
  readonly addresses: readonly string[];
  /** Routers for everything that is not on the link: one of IPv4, one of IPv6. */
  readonly gateways?: readonly string[];
  /** More routes. */
  readonly routes?: readonly RouteOptions[];
  /** Neighbours that are known and never asked for: IP address to Ethernet address, `02:00:00:00:00:01`. */
  readonly neighbours?: Readonly<Record<string, string>>;
  /** Where randomness comes from. */
  readonly random: Random;
}

/** What the driver of a stack calls, once a turn and before it sleeps. */
export interface StackDriver {
  /**
   * One turn at a time, in milliseconds of any clock that does not go back: receives one burst, does what is due, sends
   * everything that this caused and kicks the device once. Says how much was done.
   */
  poll(now: number): number;
  /** When it has to be polled next although no frame comes, on the same clock; Infinity for never. */
  deadline(): number;
  /** Tells the stack the time outside of a poll, before a call that comes after a sleep. */
  advance(now: number): void;
  /** Kicks the device, if anything was committed since it was kicked last. */
  flush(): void;
}

/** Makes the stack of one host over a device. */
export type MakeStack = (device: Device, options: StackOptions) => StackDriver;
