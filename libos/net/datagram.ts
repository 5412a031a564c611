/**
 * Datagrams.
 *
 * @module
 */

import { checkOptions, wrongKind } from "../check.ts";
import { DemikernelError } from "../error.ts";
import { copyToHeap } from "./copy.ts";
import { checkPort, resolveEndpoint } from "./endpoint.ts";
import type { LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import {
  checkName,
  type Family,
  isLocalhost,
  isName,
  resolve,
  type Resolver,
  type ResolverOption,
  withoutBrackets,
} from "./names.ts";
import { isCopied, openSocket, type PopOptions, setFlags, Socket } from "./socket.ts";
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
export interface DatagramOptions extends LibOSOption, ResolverOption {
  /**
   * An IPv4 or IPv6 address, or `localhost`, as with {@linkcode listen}. By default it is the wildcard address, as there,
   * and with `Deno.listenDatagram` and `node:dgram`, since a socket of 127.0.0.1 can send nowhere else, and gets nothing
   * that is sent to a group: 0.0.0.0, or :: if the first of the `groups` is one of IPv6. With `groups`, what does not
   * get what is sent to them is refused.
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
    resolver: "a function",
  });
  const { port = 0, groups = [] } = options;
  const { hostname = wildcardOf(groups) } = options;
  const endpoint = resolveEndpoint("datagram", { hostname, port }, hostname);
  return openSocket(options, { ...endpoint, type: "dgram" }, (libos, qd, lease) => {
    setFlags(libos, qd, options);
    libos.bind(qd, endpoint.address);
    if (groups.length > 0) checkReceivesGroups(libos, qd);
    for (const group of groups) libos.setsockopt(qd, "multicastJoin", group);
    return new Datagram(libos, qd, lease.letGo, options.resolver);
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
  readonly #resolver: Resolver | undefined;
  /** Ends what waits for the addresses of a name, when this is closed. */
  #closing: AbortController | undefined;

  /** Wraps a bound queue, which it then owns; `closed` is called when it is closed, and `resolver` looks names up. */
  constructor(libos: LibOS, qd: QueueDescriptor, closed?: () => void, resolver?: Resolver) {
    super(libos, qd, closed);
    this.#resolver = resolver;
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
   * Sends one datagram: an sga, which then is the libOS's, or a copy of bytes, or a text as UTF-8. The host of its
   * address may be a name, which is looked up each time, without a cache, and may let others pass meanwhile: for many,
   * {@linkcode resolve} gives the address once. Without an address it goes to the peer of {@linkcode Datagram.connect}.
   */
  push(
    data: Sga | Uint8Array | string,
    address?: InetAddress | null,
    options?: OperationOptions,
  ): Operation<void> {
    const target = this.#target("push", address ?? null);
    if (target !== undefined) return this.startPush(data, target, options);
    if (options !== undefined) checkLimits("push", options);
    const sga = this.#own(data);
    return this.#byName("push", address!, options, {
      found: (found) => this.startPush(sga, found, undefined),
      lost: () => sga[Symbol.dispose](),
    });
  }

  /** Fixes the peer: only what it sends is popped from now on. */
  connect(address: InetAddress): Operation<void> {
    const target = this.#target("connect", address);
    if (target === undefined) {
      return this.#byName("connect", address, undefined, {
        found: (found) => this.#connect(found),
      });
    }
    return this.#connect(target);
  }

  #connect(target: InetAddress): Operation<void> {
    return this.control(
      "connect",
      () => this.libos.operations.connect(this.qd, target, this.outcome),
    );
  }

  /** See {@linkcode Socket.close}. */
  override close(): void {
    super.close();
    this.#closing?.abort(new Deno.errors.Interrupted("The socket was closed"));
  }

  /** The address to send to; undefined if that is a name, which has to be looked up. */
  #target<T extends InetAddress | null>(call: string, address: T): T | InetAddress | undefined {
    const hostname: unknown = address?.hostname;
    if (typeof hostname !== "string") return address;
    const { port } = address!;
    if (!isName(hostname)) {
      return hostname.startsWith("[") ? { hostname: withoutBrackets(hostname), port } : address;
    }
    if (!isLocalhost(hostname)) {
      checkName(call, hostname);
      checkPort(call, port);
      return undefined;
    }
    return { hostname: this.#family === 6 ? "::1" : "127.0.0.1", port };
  }

  /** The only family that this socket can send to, if there is one. */
  get #family(): Family | undefined {
    const { hostname } = this.addr;
    if (hostname === "::") return undefined;
    return hostname.includes(":") ? 6 : 4;
  }

  /** What is to be pushed later belongs to this at once. */
  #own(data: Sga | Uint8Array | string): Sga {
    this.check("push");
    if (isCopied(data)) return copyToHeap(this.libos, data);
    if (typeof data?.clone !== "function") {
      throw wrongKind("push", "data", data, "an sga, bytes or a text");
    }
    const sga = data.clone();
    data.free();
    return sga;
  }

  /** Looks a name up, and does something with the best address that this socket can send to. */
  #byName(
    call: string,
    { hostname, port }: InetAddress,
    options: OperationOptions = {},
    then: { readonly found: (address: InetAddress) => Operation<void>; readonly lost?: () => void },
  ): Operation<void> {
    return this.control(call, () => {
      let lost = false;
      const done = async () => {
        const family = this.#family;
        const addresses = await resolve(hostname, {
          ...(family && { family }),
          ...(this.#resolver && { resolver: this.#resolver }),
        });
        if (!lost) await then.found({ hostname: addresses[0]!, port });
      };
      const outcome = {
        ...this.outcome,
        lost: () => {
          lost = true;
          then.lost?.();
        },
      };
      const { signal } = this.#closing ??= new AbortController();
      return this.libos.operations.join(done(), outcome).within(options).within({ signal });
    });
  }

  /** Iterates over the datagrams, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return this.iterate();
  }
}
