/**
 * A connection under TLS.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { DemikernelError } from "../error.ts";
import { copyToHeap } from "../net/copy.ts";
import { toDenoError } from "../net/errors.ts";
import { closeQueue } from "../net/lease.ts";
import { checkLimits } from "../net/limits.ts";
import type { Connection, PopOptions } from "../net/mod.ts";
import { ConnectionDuplex, couple } from "../node/mod.ts";
import type {
  KeepAlive,
  LibOS,
  Operation,
  OperationOptions,
  PopCompletion,
  QueueDescriptor,
  Sga,
  SocketAddress,
} from "../pdpix.ts";
import { brokenPipe, interrupted, toTlsError, unexpectedEnd } from "./errors.ts";

/** How long the last records, and the alert that says that these were all, may take to be sent, in milliseconds. */
const CLOSING = 1_000;

/** A pop that waits. */
interface Pop {
  readonly size: number;
  readonly settle: PromiseWithResolvers<Uint8Array | null>;
}

/** Who has the last word in a handshake. */
export type Judge =
  /** A client, which Node tells when it has checked the server. */
  | "client"
  /** A server that lets everybody in. */
  | "server"
  /** A server that checks its clients. */
  | "checking server";

/** Waits until the handshake of a connection is over; closes it if that fails. */
export let handshake: (connection: TlsConnection, judge: Judge, timeout: number) => Promise<void>;

/** Whether its handshake is over, and went well. */
export let hasSecured: (connection: TlsConnection) => boolean;

/** Resolves when nothing is left of a connection, which was closed. */
export let gone: (connection: TlsConnection) => Promise<void>;

/** The connection beneath one. */
export let beneath: (connection: TlsConnection) => Connection;

/** Gives the socket to who reads it in Node's way from now on. */
export let handOver: (connection: TlsConnection) => TLSSocket;

/** Has a function told of what fails while nobody waits for it. */
export let claim: (connection: TlsConnection, unclaimed: (error: unknown) => void) => void;

/**
 * A connection under TLS, with the shape of {@linkcode Connection}: a handler is the same with TLS and without, of
 * either kind. {@linkcode serveTls} and {@linkcode connectTls} make it.
 *
 * Errors of the connection beneath are as they are there. What TLS finds wrong is `Deno.errors.InvalidData`, with the
 * `code` of `node:tls`.
 */
export class TlsConnection<A extends SocketAddress = SocketAddress>
  implements
    AsyncIterable<Sga>,
    Pick<
      Connection<A>,
      | ("libos" | "open" | "localAddr" | "remoteAddr" | "bufferedAmount" | "pop" | "push")
      | ("tryPush" | "closeWrite" | "close" | "reset" | "setNoDelay" | "setKeepAlive")
      | ("ref" | "unref" | typeof Symbol.dispose)
    > {
  /** The libOS it is on. */
  readonly libos: LibOS;
  /** Its socket of `node:tls`, for all that Node has: certificates, ciphers, servers that take a stream. */
  readonly socket: TLSSocket;
  readonly #connection: Connection<A>;
  readonly #duplex: ConnectionDuplex;
  /** A queue in memory, through which pushed sgas become ours. */
  readonly #mover: QueueDescriptor;
  readonly #pops: Pop[] = [];
  readonly #gone: Promise<void>;
  #secured = false;
  #listening = false;
  readonly #readable = () => this.#serve();
  #open = true;
  /** What it failed with first. */
  #failure: unknown;

  /** Takes a connection over; `secure` makes the socket of TLS over a stream of it. */
  constructor(connection: Connection<A>, secure: (duplex: ConnectionDuplex) => TLSSocket) {
    this.libos = connection.libos;
    this.#connection = connection;
    this.#duplex = new ConnectionDuplex(connection, { allowHalfOpen: true });
    this.socket = secure(this.#duplex);
    couple(this.socket, this.#duplex);
    this.#mover = this.libos.queue();
    this.#gone = new Promise((resolve) => {
      this.#duplex.once("close", () => {
        closeQueue(this.libos, this.#mover);
        resolve();
      });
    });
    const fail = (error: unknown) => this.#fail(toTlsError(error));
    this.#duplex.on("error", fail);
    // Node says the second one instead of the first until its handshake is over.
    this.socket.on("error", fail).on("_tlsError", fail);
    this.socket.once("close", () => this.#fail(interrupted("pop")));
  }

  static {
    handshake = (connection, judge, timeout) => connection.#handshake(judge, timeout);
    hasSecured = (connection) => connection.#secured;
    gone = (connection) => connection.#gone;
    beneath = (connection) => connection.#connection;
    handOver = (connection) => {
      connection.socket.off("readable", connection.#readable);
      return connection.socket;
    };
    claim = (connection, unclaimed) => void (connection.#outcome.unclaimed = unclaimed);
  }

  /** Whether it was not closed yet, from this side. */
  get open(): boolean {
    return this.#open;
  }

  /** The address of this side. */
  get localAddr(): A {
    return this.#connection.localAddr;
  }

  /** The address of the other side. */
  get remoteAddr(): A {
    return this.#connection.remoteAddr;
  }

  /** The protocol that both sides agreed on by ALPN (RFC 7301); null if there is none. */
  get alpnProtocol(): string | null {
    return this.socket.alpnProtocol || null;
  }

  /** The host that the client asked for (SNI, RFC 6066, section 3); null if it named none. */
  get servername(): string | null {
    return (this.socket as TLSSocket & { servername?: string | null }).servername || null;
  }

  /** The certificate of the other side; null if it showed none. */
  get peerCertificate(): X509Certificate | null {
    return this.socket.getPeerX509Certificate() ?? null;
  }

  /** As {@linkcode Connection.pop}. */
  pop(options?: PopOptions): Operation<Sga | null> {
    this.#check("pop");
    if (options !== undefined) checkLimits("pop", options);
    const pop: Pop = { size: options?.size || Infinity, settle: Promise.withResolvers() };
    this.#listen();
    this.#pops.push(pop);
    let bytes: Uint8Array | null = null;
    const popped = pop.settle.promise.then((value) => bytes = value);
    const operation = this.libos.operations.join(popped, {
      ...this.#outcome,
      result: (value: Uint8Array | null) => value && copyToHeap(this.libos, value),
      lost: () => this.#giveUp(pop, bytes),
    });
    this.#serve();
    return options === undefined ? operation : operation.within(options);
  }

  /** As {@linkcode Connection.push}. */
  push(data: Sga | Uint8Array | string, options?: OperationOptions): Operation<void> {
    this.#check("push");
    if (options !== undefined) checkLimits("push", options);
    const operation = this.libos.operations.join(this.#write(this.#take(data)), this.#outcome);
    return options === undefined ? operation : operation.within(options);
  }

  /** As {@linkcode Connection.tryPush}. */
  tryPush(data: Sga | Uint8Array | string, limit = 65536): boolean {
    this.#check("tryPush");
    if (this.#failure !== undefined) throw this.#failure;
    const waiting = this.bufferedAmount;
    const length = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    if (waiting > 0 && waiting + length > limit) return false;
    // What breaks later is told by the next call.
    this.#write(this.#take(data)).catch(() => {});
    return true;
  }

  /** Bytes that were pushed, and that the connection beneath did not take yet. */
  get bufferedAmount(): number {
    return this.socket.writableLength;
  }

  /** As {@linkcode Connection.setNoDelay}. */
  setNoDelay(noDelay = true): void {
    this.#connection.setNoDelay(noDelay);
  }

  /** As {@linkcode Connection.setKeepAlive}. */
  setKeepAlive(keepAlive: boolean | KeepAlive = true): void {
    this.#connection.setKeepAlive(keepAlive);
  }

  /** As {@linkcode Connection.reset}: what was not sent is dropped. */
  reset(): void {
    this.#check("reset");
    this.#open = false;
    this.#fail(interrupted("pop"));
    this.#duplex.resetAndDestroy();
  }

  /** Says that nothing more will be pushed; the other side may still send. */
  closeWrite(): void {
    this.#check("closeWrite");
    this.socket.end();
  }

  /**
   * Closes it. Pops that are pending fail with `Deno.errors.Interrupted`. What was pushed, and that this was all, is
   * still sent, if that takes no longer than a second.
   */
  close(): void {
    this.#check("close");
    this.#open = false;
    this.#fail(interrupted("pop"));
    this.socket.destroySoon();
    const late = setTimeout(() => this.#duplex.destroy(), CLOSING);
    late.unref();
    void this.#gone.then(() => clearTimeout(late));
  }

  /** Keeps the process alive while an operation is pending; the default. */
  ref(): void {
    this.#check("ref");
    this.#duplex.ref();
  }

  /** Lets the process end although an operation is pending. */
  unref(): void {
    this.#check("unref");
    this.#duplex.unref();
  }

  /** Iterates over what arrives, until the end of the stream. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    const end = { done: true, value: undefined } as const;
    return {
      next: async () => {
        if (!this.#open) return end;
        try {
          const sga = await this.pop();
          return sga === null ? end : { done: false, value: sga };
        } catch (error) {
          if (this.#open) throw error;
          return end;
        }
      },
      return: () => {
        this[Symbol.dispose]();
        return Promise.resolve(end);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** As {@linkcode TlsConnection.close}, and harmless when it was closed already. */
  [Symbol.dispose](): void {
    if (this.#open) this.close();
  }

  async #handshake(judge: Judge, timeout: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const failed = () => reject(this.#failure);
    this.socket.once(judge === "client" ? "secureConnect" : "secure", resolve);
    for (const event of ["_tlsError", "error", "close"]) this.socket.once(event, failed);
    this.#duplex.once("error", failed).once("end", () => reject(unexpectedEnd()));
    const late = setTimeout(() => {
      reject(new Deno.errors.TimedOut(`the TLS handshake was not over within ${timeout} ms`));
    }, timeout);
    try {
      await promise;
      if (judge === "checking server") checkClient(this.socket);
      this.#secured = true;
    } catch (error) {
      this.#open = false;
      this.socket.destroy();
      this.#duplex.destroy();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }

  #check(operation: string): void {
    if (!this.#open) {
      throw new Deno.errors.BadResource(`Cannot ${operation}: the connection was closed`);
    }
  }

  /** Reads from the first pop on, since whoever uses the socket itself reads in Node's way. */
  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.socket.on("readable", this.#readable);
    this.socket.once("end", () => this.#serve());
  }

  /** Gives what is there to those who wait, in order. */
  #serve(): void {
    for (let pop: Pop | undefined; (pop = this.#pops[0]) !== undefined;) {
      const bytes: Uint8Array | null = this.socket.readableLength > 0
        ? this.socket.read(Math.min(pop.size, this.socket.readableLength))
        : null;
      if (bytes !== null || this.socket.readableEnded) pop.settle.resolve(bytes);
      else if (this.#failure !== undefined) pop.settle.reject(this.#failure);
      else {
        // Asks for more, and for the end if that was all.
        this.socket.read();
        return;
      }
      this.#pops.shift();
    }
  }

  /** Nobody waits for a pop any more; what it was given is for the next one. */
  #giveUp(pop: Pop, bytes: Uint8Array | null): void {
    const index = this.#pops.indexOf(pop);
    if (index >= 0) this.#pops.splice(index, 1);
    else if (bytes !== null && !this.socket.destroyed) this.socket.unshift(bytes);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    if (this.#listening) this.#serve();
  }

  /** What is pushed, as bytes of our own; an sga is the libOS's then, as after every push. */
  #take(data: Sga | Uint8Array | string): Uint8Array {
    if (typeof data === "string") return new TextEncoder().encode(data);
    if (data instanceof Uint8Array) return data.slice();
    this.libos.wait(this.libos.push(this.#mover, data));
    const completion = this.libos.wait(this.libos.pop(this.#mover)) as PopCompletion;
    using moved = completion.sga!;
    return moved.toUint8Array();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (this.socket.writableEnded) throw brokenPipe();
    if (bytes.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.write(bytes, (error) => error ? reject(error) : resolve());
    try {
      await promise;
    } catch (error) {
      throw this.#failure ?? toTlsError(error);
    }
  }

  readonly #outcome: TlsOutcome = {
    error: (error) => {
      throw fromJoin(error);
    },
    unclaimed: undefined,
  };
}

/** What the libOS itself says of waiting, that a timeout is over for example, as Deno's error. */
function fromJoin(error: unknown): unknown {
  if (!(error instanceof DemikernelError)) return error;
  return toDenoError(new DemikernelError(error.errno, "wait", { cause: error }));
}

/** What Node's servers of TLS ask, before they give a socket to anybody. */
interface Verifying {
  readonly ssl: { verifyError(): string | null };
}

/** Throws if the certificate that a client showed is not trusted. */
function checkClient(socket: TLSSocket): void {
  const error = (socket as unknown as Verifying).ssl.verifyError();
  if (error) throw new Deno.errors.InvalidData(`TLS: the client's certificate: ${error}`);
}

/** What is made of how its operations end. */
interface TlsOutcome {
  readonly error: (error: unknown) => never;
  unclaimed: ((error: unknown) => void) | undefined;
}
