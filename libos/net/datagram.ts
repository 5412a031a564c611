/**
 * Datagrams.
 *
 * @module
 */

import { copyToHeap } from "./copy.ts";
import { resolveEndpoint } from "./endpoint.ts";
import { DENO_ERRORS, withDenoErrors } from "./errors.ts";
import { closeQueue, Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { PopIterator } from "./pop_iterator.ts";
import type { PopOptions } from "./connection.ts";
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
  return withDenoErrors(() => {
    const lease = new Lease(options);
    const { libos } = lease;
    let qd: QueueDescriptor | undefined;
    try {
      const { hostname = "127.0.0.1", port = 0 } = options;
      const { domain, type, address } = resolveEndpoint({ hostname, port }, hostname, "dgram");
      qd = libos.socket(domain, type);
      if (options.reusePort === true) libos.setsockopt(qd, "reusePort", true);
      if (options.broadcast === true) libos.setsockopt(qd, "broadcast", true);
      libos.bind(qd, address);
      for (const group of options.groups ?? []) libos.setsockopt(qd, "multicastJoin", group);
      return new Datagram(libos, qd, lease);
    } catch (error) {
      if (qd !== undefined) libos.close(qd);
      void lease.end();
      throw error;
    }
  });
}

/** A socket for datagrams; {@linkcode datagram} makes it. */
export class Datagram implements Disposable, AsyncIterable<Sga> {
  /** The libOS it is on. */
  readonly libos: LibOS;
  /** Its queue there. */
  readonly qd: QueueDescriptor;
  /** Its address: the port is the one that was chosen, if it was 0. */
  readonly addr: InetAddress;
  readonly #lease: Lease;
  #open = true;

  /** Wraps a bound queue, which it then owns. */
  constructor(libos: LibOS, qd: QueueDescriptor, lease: Lease) {
    this.libos = libos;
    this.qd = qd;
    this.#lease = lease;
    this.addr = libos.getsockname(qd) as InetAddress;
  }

  /** Whether it was not closed yet. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Waits for a datagram; its `address` tells where it came from, and `truncated` whether it was longer
   * than the size asked for.
   */
  pop(options?: PopOptions): Operation<Sga> {
    return this.#attempt("pop", () => {
      if (options !== undefined) checkLimits(options);
      const operation = this.libos.operations.pop(
        this.qd,
        options?.size,
        DENO_ERRORS,
      ) as Operation<Sga>;
      return options === undefined ? operation : operation.within(options);
    });
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
    return this.#attempt("push", () => {
      if (options !== undefined) checkLimits(options);
      const { operations } = this.libos;
      const sga = data instanceof Uint8Array ? copyToHeap(this.libos, data) : data;
      try {
        const operation = address === undefined || address === null
          ? operations.push(this.qd, sga, DENO_ERRORS)
          : operations.pushTo(this.qd, sga, address, DENO_ERRORS);
        const limited = options === undefined ? operation : operation.within(options);
        // Nobody else has the handle of a copy.
        if (sga !== data) sga.recycle();
        return limited;
      } catch (error) {
        if (sga !== data) sga.free();
        throw error;
      }
    });
  }

  /** Fixes the peer: only what it sends is popped from now on. */
  connect(address: InetAddress): Operation<void> {
    return this.#attempt(
      "connect",
      () => this.libos.operations.connect(this.qd, address, DENO_ERRORS),
    );
  }

  /** Closes it. What is pending fails with `Deno.errors.Interrupted`; iteration ends. */
  close(): void {
    this.#attempt("close", () => {
      this.#open = false;
      closeQueue(this.libos, this.qd);
      void this.#lease.end();
    });
  }

  /** Keeps the process alive while an operation is pending; the default. */
  ref(): void {
    this.#attempt("ref", () => this.libos.ref(this.qd));
  }

  /** Lets the process end although an operation is pending. */
  unref(): void {
    this.#attempt("unref", () => this.libos.unref(this.qd));
  }

  /** Iterates over the datagrams, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return new PopIterator(this.libos, this.qd, this);
  }

  /** As {@linkcode Datagram.close}, and harmless when it was closed already. */
  [Symbol.dispose](): void {
    if (this.#open) this.close();
  }

  #attempt<T>(operation: string, call: () => T): T {
    if (!this.#open) {
      throw new Deno.errors.BadResource(`Cannot ${operation} datagram socket: it was closed`);
    }
    return withDenoErrors(call);
  }
}
