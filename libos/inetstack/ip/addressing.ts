/**
 * The addresses of a host, the groups that it joined, and its routes.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { DemikernelError, inspect } from "../../error.ts";
import { IpAddress, IpPrefix } from "../ip_address.ts";
import type { AddressOptions } from "../stack.ts";

/** A route to a network. */
export interface Route {
  /** The network. */
  readonly to: IpPrefix;
  /** The router; null if the network is on the link. */
  readonly via: IpAddress | null;
}

/** Groups that every host is in: all hosts of IPv4 (RFC 1112) and all nodes of IPv6 (RFC 4291, section 2.7.1). */
const ALL_HOSTS = ["224.0.0.1", "ff02::1"];

/** See the module's description. */
export class Addressing {
  /** Own addresses, in the order in which they were given. */
  readonly own: readonly IpPrefix[];
  /** Own addresses to all hosts of a network. */
  readonly broadcasts: readonly IpAddress[];
  /** Routes, the one of the longest prefix first. */
  readonly routes: readonly Route[];
  readonly #groups: { readonly address: IpAddress; members: number }[] = [];

  /**
   * Reads what was configured; `linkLocal` is the own address of the link, if there is IPv6. Throws
   * {@linkcode DemikernelError} `EINVAL` for what is no address, prefix or route, and says which.
   */
  constructor(options: AddressOptions, linkLocal: IpPrefix) {
    const given = options.addresses.map(readOwn);
    if (given.length === 0) throw wrong("a host needs an address, such as 10.0.0.2/24");
    if (given.length >= BOUNDS.ADDRESSES) {
      throw wrong(`a host has ${BOUNDS.ADDRESSES - 1} addresses at most`);
    }
    const six = given.some(({ address }) => address.version === 6);
    const own = six && !given.some(({ address }) => address.version === 6 && address.isLinkLocal)
      ? [...given, linkLocal]
      : given;
    this.own = own;
    this.broadcasts = own.map(({ broadcast }) => broadcast).filter((one) => one !== null);
    const onLink: Route[] = own.map((to) => ({ to, via: null }));
    const routes = [
      ...onLink,
      ...(options.routes ?? []).map(({ to, via }) => readRoute(own, to, via)),
      ...(options.gateways ?? []).map((via) => readRoute(own, everything(via), via)),
    ];
    this.routes = routes.sort((a, b) => b.to.length - a.to.length);
    for (const text of ALL_HOSTS) this.join(IpAddress.parse(text)!);
    for (const { address } of own) if (address.version === 6) this.join(solicitedNode(address));
  }

  /** Whether an address is an own one, of an interface or of the host itself. */
  isOwn(address: IpAddress): boolean {
    return address.isLoopback || this.has(address.w0, address.w1, address.w2, address.w3);
  }

  /** Whether words are an own address of an interface. */
  has(w0: number, w1: number, w2: number, w3: number): boolean {
    const { own } = this;
    for (let i = 0; i < own.length; i++) if (own[i]!.address.is(w0, w1, w2, w3)) return true;
    return false;
  }

  /** Whether an address is to all hosts of the link or of an own network. */
  isBroadcast(address: IpAddress): boolean {
    return address.isBroadcast || this.broadcasts.some((one) => one.equals(address));
  }

  /** Whether the word of an IPv4 address is to all hosts of the link or of an own network. */
  isBroadcast4(word: number): boolean {
    const { broadcasts } = this;
    if (word === -1) return true;
    for (let i = 0; i < broadcasts.length; i++) if (broadcasts[i]!.w3 === word) return true;
    return false;
  }

  /** Whether words are a group that this host joined. */
  isJoined(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.#groups.some(({ address }) => address.is(w0, w1, w2, w3));
  }

  /** The groups that this host joined. */
  get groups(): readonly IpAddress[] {
    return this.#groups.map(({ address }) => address);
  }

  /** One more is in a group; says whether it is the first one. Throws {@linkcode DemikernelError} `ENOBUFS`. */
  join(group: IpAddress): boolean {
    const known = this.#groups.find(({ address }) => address.equals(group));
    if (known !== undefined) {
      known.members++;
      return false;
    }
    // Those of the own IPv6 addresses are beside the bound.
    if (this.#groups.length >= 2 * BOUNDS.ADDRESSES) {
      throw new DemikernelError("ENOBUFS", "setsockopt", {
        detail: `a host is in ${BOUNDS.ADDRESSES} groups at most`,
      });
    }
    this.#groups.push({ address: group, members: 1 });
    return true;
  }

  /** One less is in a group; says whether it was the last one. */
  leave(group: IpAddress): boolean {
    const place = this.#groups.findIndex(({ address }) => address.equals(group));
    if (place < 0 || --this.#groups[place]!.members > 0) return false;
    this.#groups.splice(place, 1);
    return true;
  }

  /** The neighbour through which an address is reached: itself, or a router; null if there is no route. */
  nextHop(destination: IpAddress): IpAddress | null {
    for (const { to, via } of this.routes) {
      if (to.contains(destination)) return via ?? destination;
    }
    return null;
  }

  /**
   * The own address to send from to an address, through a neighbour (RFC 6724 in the small): one of the neighbour's
   * network, of the same reach; null if there is none of that version.
   */
  sourceFor(destination: IpAddress, nextHop: IpAddress): IpAddress | null {
    if (this.isOwn(destination)) return destination;
    const { version } = destination;
    const same = this.own.filter(({ address }) => address.version === version);
    const onLink = version === 6 && (destination.isLinkLocal || isLinkScope(destination));
    const reach = same.filter(({ address }) => address.isLinkLocal === onLink);
    const candidates = reach.length > 0 ? reach : same;
    const near = candidates.find((one) => one.contains(nextHop)) ?? candidates[0];
    return near?.address ?? null;
  }
}

/** Whether a group is of the link alone (RFC 4291, section 2.7). */
function isLinkScope(address: IpAddress): boolean {
  return address.isMulticast && (address.w0 >>> 8 & 0xf) === 2;
}

/** The group in which an IPv6 address is asked for (RFC 4291, section 2.7.1). */
export function solicitedNode(address: IpAddress): IpAddress {
  return new IpAddress(6, 0x02ff, 0, 0x01000000, address.w3 & ~0xff | 0xff);
}

/** The address of the link that an Ethernet address gives (RFC 4862, section 5.3; RFC 2464, section 4). */
export function linkLocalOf(mac: Uint8Array): IpPrefix {
  const bytes = new Uint8Array(16);
  bytes.set([0xfe, 0x80]);
  bytes.set([mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!], 8);
  return new IpPrefix(IpAddress.of(bytes), 64);
}

function readOwn(text: string): IpPrefix {
  const prefix = typeof text === "string" ? IpPrefix.parse(text) : null;
  if (prefix === null) {
    throw wrong(
      `an address has a prefix, such as 10.0.0.2/24 or fd00::2/64, unlike ${inspect(text)}`,
    );
  }
  const { address } = prefix;
  const isHost = !prefix.isNetwork && !prefix.broadcast?.equals(address);
  if (address.isUnspecified || address.isMulticast || address.isBroadcast || !isHost) {
    throw wrong(`${text} is not the address of one host`);
  }
  return prefix;
}

function readRoute(own: readonly IpPrefix[], to: string, via: string): Route {
  const network = IpPrefix.parse(to);
  const router = typeof via === "string" ? IpAddress.parse(via) : null;
  if (network === null || router === null || network.address.version !== router.version) {
    throw wrong(`there is no route to ${inspect(to)} via ${inspect(via)}`);
  }
  const onLink = own.some((one) => one.contains(router) && !one.address.equals(router));
  if (!onLink) throw wrong(`the router ${via} is not in the network of an own address`);
  return { to: network, via: router };
}

function everything(via: string): string {
  return String(via).includes(":") ? "::/0" : "0.0.0.0/0";
}

function wrong(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "configure stack", { detail });
}
