/**
 * Datagrams.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import { DemikernelError } from "../error.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { LibOSOption } from "./lease.ts";
import { openSocket, type PopOptions, setFlags, Socket } from "./socket.ts";
import type {
  InetAddress,
  LibOS,
  MulticastGroup,
  Operation,
  OperationOptions,
  QueueDescriptor,
  Sga,
} from "../pdpix.ts";

/** Where to receive datagrams, and how. */
export interface DatagramOptions extends LibOSOption {
  /**
   * An IPv4 or IPv6 address, or `localhost`. By default it is the wildcard address, as with {@linkcode listen},
   * `Deno.listenDatagram` and `node:dgram`, since a socket of 127.0.0.1 can send nowhere else, and gets nothing that is
   * sent to a group: 0.0.0.0, or :: if the first of the `groups` is one of IPv6. With `groups`, what does not get what
   * is sent to them is refused.
   */
  readonly hostname?: string;
  /**
   * 0 to 65535; 0 lets the libOS choose.
   *
   * @default {0}
   */
  readonly port?: number;
  /** Let several sockets share the port, each with a share of the traffic. */
  readonly reusePort?: boolean;
  /**
   * Let several sockets share the port, each of which gets all that is sent to groups: those of one host that speak
   * multicast DNS (RFC 6762, section 15.1), for example.
   */
  readonly reuseAddress?: boolean;
  /** Allow sending to broadcast addresses. */
  readonly broadcast?: boolean;
  /** Multicast groups to join. */
  readonly groups?: readonly MulticastGroup[];
}

/**
 * Opens a socket for datagrams. Throws as {@linkcode listen}.
 *
 * @example Send a datagram, and answer it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { datagram, open } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * using server = datagram({ libos, hostname: "127.0.0.1" });
 * using client = datagram({ libos });
 * await client.push(new TextEncoder().encode("ping"), server.addr);
 * const request = await server.pop();
 * const from = request.address;
 * await server.push(request, from);
 * using reply = await client.pop();
 * assertEquals(new TextDecoder().decode(reply.bytes()), "ping");
 * ```
 */
export function datagram(options: DatagramOptions = {}): Datagram {
  checkOptions("datagram", options, {
    hostname: "a string",
    reusePort: "true or false",
    reuseAddress: "true or false",
    broadcast: "true or false",
    groups: "an array",
  });
  const { port = 0, groups = [] } = options;
  const { hostname = wildcardOf(groups) } = options;
  const endpoint = resolveEndpoint("datagram", { hostname, port }, hostname);
  return openSocket(options, { ...endpoint, type: "dgram" }, (libos, qd, lease) => {
    setFlags(libos, qd, options);
    libos.bind(qd, endpoint.address);
    if (groups.length > 0) checkReceivesGroups(libos, qd);
    for (const group of groups) libos.setsockopt(qd, "multicastJoin", group);
    return new Datagram(libos, qd, lease.letGo);
  });
}

/** The wildcard address of the family of some groups. */
function wildcardOf(groups: readonly MulticastGroup[]): string {
  const group: unknown = groups[0]?.group;
  return typeof group === "string" && group.includes(":") ? "::" : "0.0.0.0";
}

/** What is sent to a group reaches sockets of the wildcard address, or of a group's. */
const RECEIVES_GROUPS = /^(0\.0\.0\.0|::|22[4-9]\..*|23\d\..*|ff..:.*)$/;

function checkReceivesGroups(libos: LibOS, qd: QueueDescriptor): void {
  const { hostname } = libos.getsockname(qd) as InetAddress;
  if (RECEIVES_GROUPS.test(hostname)) return;
  throw new DemikernelError("EINVAL", "datagram", {
    qd,
    detail: `what is sent to groups does not reach ${hostname}; leave the hostname out, ` +
      "or give the wildcard address or that of a group",
  });
}

/** A socket for datagrams; {@linkcode datagram} makes it. */
export class Datagram extends Socket implements AsyncIterable<Sga> {
  /** Its address: the port is the one that was chosen, if it was 0. */
  readonly addr: InetAddress;

  /** Wraps a bound queue, which it then owns; `closed` is called when it is closed. */
  constructor(libos: LibOS, qd: QueueDescriptor, closed?: () => void) {
    super(libos, qd, closed);
    this.addr = libos.getsockname(qd) as InetAddress;
  }

  /**
   * Waits for a datagram; its `address` tells where it came from, and `truncated` whether it was longer
   * than the size asked for.
   */
  pop(options?: PopOptions): Operation<Sga> {
    return this.startPop(options) as Operation<Sga>;
  }

  /**
   * Sends one datagram: an sga, which then is the libOS's, or a copy of bytes. The host of its address may be
   * `localhost`; without an address it goes to the peer of {@linkcode Datagram.connect}.
   */
  push(
    data: Sga | Uint8Array,
    address?: InetAddress | null,
    options?: OperationOptions,
  ): Operation<void> {
    return this.startPush(data, this.#resolve(address ?? null), options);
  }

  /** Fixes the peer: only what it sends is popped from now on. */
  connect(address: InetAddress): Operation<void> {
    return this.control(
      "connect",
      () => this.libos.operations.connect(this.qd, this.#resolve(address), this.outcome),
    );
  }

  /** `localhost` is an address that this socket can send to. */
  #resolve<T extends InetAddress | null>(address: T): T | InetAddress {
    if (address?.hostname !== "localhost") return address;
    const { hostname } = this.addr;
    const alone = hostname.includes(":") && hostname !== "::";
    return { hostname: alone ? "::1" : "127.0.0.1", port: address.port };
  }

  /** Iterates over the datagrams, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return this.iterate();
  }
}
