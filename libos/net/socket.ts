/**
 * What connections, listeners and datagram sockets have in common: a queue of a libOS that they own, opened and
 * closed in one way.
 *
 * @module
 */

import { copyToHeap } from "./copy.ts";
import { toDenoError, withDenoErrors } from "./errors.ts";
import type { ResolvedEndpoint } from "./endpoint.ts";
import { checkLibOS, closeQueue, Lease, type LibOSOption } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { PopIterator } from "./pop_iterator.ts";
import type {
  InetAddress,
  LibOS,
  Operation,
  OperationOptions,
  Operations,
  QueueDescriptor,
  Sga,
} from "../pdpix.ts";

/** How {@linkcode Connection.pop} and {@linkcode Datagram.pop} pop. */
export interface PopOptions extends OperationOptions {
  /** The most bytes to give; as many as there are by default. */
  readonly size?: number;
}

/** Whether an error is what an operation of a socket failed with, and not one of another socket. */
export let hasFailedWith: (socket: Socket, error: unknown) => boolean;

/** Has a function told of what fails on a socket while nobody waits for it, in place of an unhandled rejection. */
export let claim: (socket: Socket, unclaimed: (error: unknown) => void) => void;

/** What is made of how the operations of a socket end. All outcomes of this layer have its shape, for V8's sake. */
export interface SocketOutcome {
  /** Results stay as they are. */
  readonly result: undefined;
  /** Throws the error of Deno. */
  readonly error: (error: unknown) => never;
  /** Nothing is lost. */
  readonly lost: undefined;
  /** See {@linkcode claim}. */
  unclaimed: ((error: unknown) => void) | undefined;
}

/**
 * A socket: a queue of a libOS, which it owns. {@linkcode Connection}, {@linkcode Listener} and
 * {@linkcode Datagram} are sockets.
 *
 * @example What all sockets have
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { datagram, listen, open, type Socket } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * const sockets: Socket[] = [datagram({ libos }), listen({ libos, port: 0 })];
 * for (const socket of sockets) {
 *   socket.unref();
 *   socket.close();
 *   assertEquals(socket.open, false);
 * }
 * ```
 */
export abstract class Socket implements Disposable {
  /** The libOS it is on. */
  readonly libos: LibOS;
  /** Its queue there. */
  readonly qd: QueueDescriptor;
  readonly #operations: Operations;
  readonly #closed: (() => void) | undefined;
  /** What its own operations failed with; made with the first of them. */
  #failures: WeakSet<WeakKey> | undefined;
  #open = true;

  /** Takes a queue over; `closed` is called when it is closed. */
  constructor(libos: LibOS, qd: QueueDescriptor, closed?: () => void) {
    checkLibOS(libos);
    this.libos = libos;
    this.qd = qd;
    this.#operations = libos.operations;
    this.#closed = closed;
  }

  static {
    hasFailedWith = (socket, error) => socket.#failures?.has(error as WeakKey) ?? false;
    claim = (socket, unclaimed) => void (socket.outcome.unclaimed = unclaimed);
  }

  /** Whether it was not closed yet, from this side. */
  get open(): boolean {
    return this.#open;
  }

  /**
   * Closes it. What is pending on it fails with `Deno.errors.Interrupted`, pushes included: wait for those that matter.
   * Iteration ends. The libOS closes what is open when it is closed itself.
   */
  close(): void {
    this.check("close");
    this.#open = false;
    closeQueue(this.libos, this.qd);
    this.#closed?.();
  }

  /** Keeps the process alive while an operation is pending; the default. */
  ref(): void {
    this.control("ref", () => this.libos.ref(this.qd));
  }

  /** Lets the process end although an operation is pending. */
  unref(): void {
    this.control("unref", () => this.libos.unref(this.qd));
  }

  /** As {@linkcode Socket.close}, and harmless when it was closed already. */
  [Symbol.dispose](): void {
    if (this.#open) this.close();
  }

  /** Throws `Deno.errors.BadResource` when it was closed. */
  protected check(operation: string): void {
    if (!this.#open) throw closed(operation);
  }

  /** Makes a call on it that is no hot one. */
  protected control<T>(operation: string, call: () => T): T {
    this.check(operation);
    try {
      return call();
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Pops, as {@linkcode Connection.pop} says. */
  protected startPop(options: PopOptions | undefined): Operation<Sga | null> {
    this.check("pop");
    if (options !== undefined) checkLimits("pop", options);
    try {
      const operation = this.#operations.pop<Sga | null>(this.qd, options?.size, this.outcome);
      return options === undefined ? operation : operation.within(options);
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Pushes, to the peer that it is connected to or to an address, as {@linkcode Connection.push} says. */
  protected startPush(
    data: Sga | Uint8Array | string,
    address: InetAddress | null,
    options: OperationOptions | undefined,
  ): Operation<void> {
    this.check("push");
    if (options !== undefined) checkLimits("push", options);
    const copied = isCopied(data);
    const sga = copied ? copyToHeap(this.libos, data) : data;
    try {
      const operation = address === null
        ? this.#operations.push(this.qd, sga, this.outcome)
        : this.#operations.pushTo(this.qd, sga, address, this.outcome);
      const limited = options === undefined ? operation : operation.within(options);
      // Nobody else has the handle of a copy.
      if (copied) sga.recycle();
      return limited;
    } catch (error) {
      if (copied) sga.free();
      throw this.failed(error);
    }
  }

  /** The error of Deno for one that an own operation failed with, which is remembered. */
  protected failed(error: unknown): unknown {
    const converted = toDenoError(error);
    // The reason of a signal may be anything.
    if (converted instanceof Error) (this.#failures ??= new WeakSet()).add(converted);
    return converted;
  }

  /**
   * What is made of how its operations end.
   *
   * @internal
   */
  protected readonly outcome: SocketOutcome = {
    result: undefined,
    error: (error) => {
      throw this.failed(error);
    },
    lost: undefined,
    unclaimed: undefined,
  };

  /** The iterator over what it pops. */
  protected iterate(): AsyncIterableIterator<Sga, undefined> {
    return new PopIterator(this, this.#operations, this.outcome);
  }
}

/**
 * Opens a socket, for `use` to take it over, with the hold on its libOS: if that throws, both are let go of. Its
 * errors are those of Deno.
 */
export function openSocket<T>(
  options: LibOSOption,
  { domain, type }: ResolvedEndpoint,
  use: (libos: LibOS, qd: QueueDescriptor, lease: Lease) => T,
): T {
  return withDenoErrors(() => {
    const lease = new Lease(options);
    const { libos } = lease;
    let qd: QueueDescriptor | undefined;
    try {
      qd = libos.socket(domain, type);
      return use(libos, qd, lease);
    } catch (error) {
      if (qd !== undefined) closeQueue(libos, qd);
      lease.letGo();
      throw error;
    }
  });
}

/** Socket options that are on or off, and off by default. */
interface Flags {
  readonly reuseAddress?: boolean | undefined;
  readonly reusePort?: boolean | undefined;
  readonly broadcast?: boolean | undefined;
}

/** Sets those socket options that are wanted. */
export function setFlags(libos: LibOS, qd: QueueDescriptor, flags: Flags): void {
  for (const option of ["reuseAddress", "reusePort", "broadcast"] as const) {
    if (flags[option] === true) libos.setsockopt(qd, option, true);
  }
}

/** Whether what is pushed is copied to the heap first. */
export function isCopied(data: Sga | Uint8Array | string): data is Uint8Array | string {
  return data instanceof Uint8Array || typeof data === "string";
}

function closed(operation: string): Error {
  return new Deno.errors.BadResource(`Cannot ${operation}: the socket was closed`);
}
