/**
 * Datagrams.
 *
 * @module
 */

import { resolveEndpoint } from "./endpoint.ts";
import type { LibOSOption } from "./lease.ts";
import { PopIterator } from "./pop_iterator.ts";
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
   * An IPv4 or IPv6 address, or `localhost`.
   *
   * @default {"127.0.0.1"}
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
 * using server = datagram({ libos });
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
  const { hostname = "127.0.0.1", port = 0 } = options;
  const endpoint = resolveEndpoint({ hostname, port }, hostname, "dgram");
  return openSocket(options, endpoint, (libos, qd, lease) => {
    setFlags(libos, qd, options);
    libos.bind(qd, endpoint.address);
    for (const group of options.groups ?? []) libos.setsockopt(qd, "multicastJoin", group);
    return new Datagram(libos, qd, lease.letGo);
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
   * Sends one datagram: an sga, which then is the libOS's, or a copy of bytes. Without an address it goes
   * to the peer of {@linkcode Datagram.connect}.
   */
  push(
    data: Sga | Uint8Array,
    address?: InetAddress | null,
    options?: OperationOptions,
  ): Operation<void> {
    return this.startPush(data, address ?? null, options);
  }

  /** Fixes the peer: only what it sends is popped from now on. */
  connect(address: InetAddress): Operation<void> {
    return this.control(
      "connect",
      () => this.libos.operations.connect(this.qd, address).convert(null, this.failed),
    );
  }

  /** Iterates over the datagrams, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return new PopIterator(this);
  }
}
