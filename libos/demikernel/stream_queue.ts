/**
 * TCP sockets of a native libOS, and those of catloop.
 *
 * @module
 */

import { SOCK } from "../../ffi/libc/constants.ts";
import { decodeSockaddr, SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { layOut } from "../runtime/socket_address.ts";
import { formatAddress } from "../runtime/address.ts";
import { Errno, inspect } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { InetAddress, SocketAddress, SocketOptions } from "../pdpix.ts";
import { bindSomewhere } from "./addresses.ts";
import { BytesQueue } from "./bytes_queue.ts";
import { READ, WRITE } from "./device.ts";
import type { NativeContext } from "./native_queue.ts";

const FRESH = 0;
const CONNECTING = 1;
const CONNECTED = 2;
const LISTENING = 3;

const NOTHING = (): void => {};
/** How often a socket looks whether it is its turn to connect, in milliseconds. */
const PAUSE = 1;
/** The longest backlog that upstream takes. */
const LONGEST_BACKLOG = 4096;

/** See the module's description. */
export class StreamQueue extends BytesQueue {
  protected override readonly kind = "stream socket";
  #state = FRESH;
  #local: InetAddress | null = null;
  #peer: InetAddress | null = null;
  #backlog = 0;
  #connect: PooledOperation<void> | null = null;
  /** Connections that came for an accept which was cancelled. */
  readonly #accepted: StreamQueue[] = [];
  /** Lets others connect where this one does. */
  #unlock: () => void = NOTHING;
  #turn: ReturnType<typeof setTimeout> | undefined;

  /** Wraps a descriptor; one that was accepted has addresses. */
  constructor(
    context: NativeContext,
    nativeQd: number,
    accepted?: { readonly local: InetAddress; readonly peer: InetAddress },
  ) {
    super(context, nativeQd);
    if (accepted === undefined) return;
    this.#state = CONNECTED;
    this.#local = accepted.local;
    this.#peer = accepted.peer;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#local !== null || this.#state !== FRESH) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    const { address: own, device } = this.context;
    this.#local = bindSomewhere(
      address,
      own,
      this.qd,
      (layout) => device.calls.bind(this.nativeQd, layout),
    );
  }

  /** See {@linkcode Queue.listen}. */
  override listen(backlog: number): void {
    if (this.#state === CONNECTED) throw this.error("EISCONN", "listen");
    if (this.#state !== FRESH) throw this.error("EADDRINUSE", "listen", "it listens or connects");
    if (this.#local === null) {
      throw this.error("EDESTADDRREQ", "listen", "the socket has no address; bind it first");
    }
    this.#backlog = Math.min(backlog, LONGEST_BACKLOG);
    const result = this.context.device.calls.listen(
      this.nativeQd,
      this.#backlog,
    );
    if (result < 0) throw this.error(-result, "listen");
    this.#state = LISTENING;
  }

  /** See {@linkcode Queue.accept}. */
  override accept(): PooledOperation<number> {
    if (this.#state !== LISTENING) {
      throw this.error("EINVAL", "accept", "the socket does not listen");
    }
    const operation = this.start(Opcode.ACCEPT);
    this.reads.push(operation);
    operation.suspend();
    this.#serveAccepts();
    return operation;
  }

  /** See {@linkcode Queue.connect}. */
  override connect(address: SocketAddress): PooledOperation<void> {
    if (this.#state === LISTENING) {
      throw this.error("ENOTSUP", "connect", "the socket listens");
    }
    if (this.#state === CONNECTED) throw this.error("EISCONN", "connect");
    if (this.#state === CONNECTING) throw this.error("EINPROGRESS", "connect");
    const layout = layOut(address, "inet", "connect", this.qd);
    const operation = this.start(Opcode.CONNECT);
    if (this.broken !== 0) {
      operation.fail(this.broken);
      return operation;
    }
    this.#state = CONNECTING;
    this.#peer = address as InetAddress;
    this.#connect = operation;
    operation.suspend();
    this.#beginConnect(layout);
    return operation;
  }

  /** See {@linkcode NativeQueue.read}. */
  override read(errno: number): void {
    if (this.#state !== LISTENING) return super.read(errno);
    this.reading = false;
    // Any other errno is of a connection that did not come about, or upstream's own timeout: the next one may.
    if (errno === 0) this.#adopt();
    else if (errno === Errno.EBADF && !this.#listenAnew()) return this.break(errno);
    this.#serveAccepts();
  }

  /** See {@linkcode NativeQueue.wrote}. */
  override wrote(errno: number): void {
    if (this.#state !== CONNECTING) return super.wrote(errno);
    this.writing = false;
    this.#unlock();
    // The listener of catloop was made anew meanwhile.
    if (errno === Errno.EBADF && this.#renew()) {
      return this.#beginConnect(layOut(this.#peer!, "inet", "connect", this.qd));
    }
    const operation = this.#connect;
    this.#connect = null;
    if (errno === 0) {
      this.#state = CONNECTED;
      operation?.complete(undefined);
    } else {
      // Upstream's socket cannot be connected again.
      this.#state = FRESH;
      this.#peer = null;
      this.broken = errno;
      operation?.fail(errno);
    }
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (operation === this.#connect) this.#connect = null;
    else super.cancel(operation);
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    if (this.#local !== null) return this.#local;
    if (this.#state === FRESH) return { hostname: "0.0.0.0", port: 0 };
    throw this.error(
      "ENOTSUP",
      "getsockname",
      "upstream does not tell which port it chose; bind the socket before it connects",
    );
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "getpeername");
    return this.#peer!;
  }

  /** See {@linkcode Queue.setsockopt}; the only option is `linger`. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    const seconds: unknown = value;
    const fits = seconds === null ||
      Number.isInteger(seconds) && (seconds as number) >= 0 && (seconds as number) <= 0x7fff;
    if (!fits) {
      throw this.error(
        "EINVAL",
        "setsockopt",
        `the option "${option}" must be null or an integer from 0 to 32767, not ${inspect(value)}`,
      );
    }
    const { calls } = this.context.device;
    const result = calls.setLinger(this.nativeQd, seconds as number | null);
    if (result < 0) throw this.error(-result, "setsockopt");
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(_option: K): SocketOptions[K] {
    const { result, seconds } = this.context.device.calls.getLinger(this.nativeQd);
    if (result < 0) throw this.error(-result, "getsockopt");
    return seconds as SocketOptions[K];
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    clearTimeout(this.#turn);
    this.#unlock();
    this.#connect?.fail(Errno.ECANCELED);
    this.#connect = null;
    for (const queue of this.#accepted.splice(0)) queue.close();
    super.close();
  }

  protected override checkConnected(operation: string): void {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", operation);
  }

  #beginConnect(layout: Uint8Array<ArrayBuffer>): void {
    const { device, connectLock } = this.context;
    if (connectLock !== null) {
      const release = connectLock(this.#peer!);
      if (release === null) {
        this.#turn = setTimeout(() => this.#beginConnect(layout), PAUSE);
        return;
      }
      this.#unlock = () => {
        this.#unlock = NOTHING;
        release();
      };
    }
    const result = device.begin(
      this,
      WRITE,
      (place) => device.calls.connect(this.nativeQd, place, layout),
    );
    if (result < 0) this.wrote(-result);
    else this.writing = true;
  }

  /**
   * Where a process ends that has connected over catloop, upstream takes that for the end of the listener. So it gets
   * another one, at the same address; who waits for the old one is told, and connects again.
   */
  #listenAnew(): boolean {
    if (!this.#renew()) return false;
    const { calls } = this.context.device;
    return calls.bind(this.nativeQd, layOut(this.#local!, "inet", "bind", this.qd)) >= 0 &&
      calls.listen(this.nativeQd, this.#backlog) >= 0;
  }

  /** Takes another socket of the library's, where that is needed: with catloop. */
  #renew(): boolean {
    const { connectLock, closeNative, device } = this.context;
    if (connectLock === null) return false;
    closeNative(this.nativeQd);
    const nativeQd = device.calls.socket(SOCK.STREAM);
    if (nativeQd >= 0) this.nativeQd = nativeQd;
    return nativeQd >= 0;
  }

  /** Gives waiting accepts the connections that are there, and asks for another if that is not enough. */
  #serveAccepts(): void {
    while (this.reads.head !== null && this.#accepted.length > 0) {
      const queue = this.#accepted.shift()!;
      this.reads.shift().complete(this.context.register(queue));
    }
    if (this.reads.head === null || this.reading) return;
    if (this.broken !== 0) return this.failAll(this.broken);
    const { device } = this.context;
    const result = device.begin(
      this,
      READ,
      (place) => device.calls.accept(this.nativeQd, place),
    );
    if (result < 0) this.break(-result);
    else this.reading = true;
  }

  /** The connection that the library has accepted. */
  #adopt(): void {
    const { calls } = this.context.device;
    const { acceptedQd, acceptedAddress } = calls.layout.result;
    const layout = new Uint8Array(calls.results.buffer).slice(
      acceptedAddress,
      acceptedAddress + SOCKADDR.IN.SIZE,
    );
    const parts = decodeSockaddr(layout);
    const peer = "path" in parts
      ? { hostname: "0.0.0.0", port: 0 }
      : { hostname: formatAddress(parts.address), port: parts.port };
    const nativeQd = calls.results[acceptedQd / 4]!;
    this.#accepted.push(
      new StreamQueue(this.context, nativeQd, { local: this.#local!, peer }),
    );
  }
}
