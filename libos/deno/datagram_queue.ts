/**
 * UDP sockets over Deno's, which are there with `--unstable-net`.
 *
 * Deno's have no peer and no size to receive: a connected socket leaves out what others sent, and what is longer than a
 * pop wants is cut here.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { bytesOf } from "./bytes.ts";
import { Call, type DenoContext } from "./device.ts";
import { DenoQueue, fromDeno } from "./socket_queue.ts";
import { Staging } from "./staging.ts";
import type { Domain, InetAddress, Sga, SocketAddress } from "../pdpix.ts";

/** More than any UDP datagram is. */
const LARGEST = 65536;

/** What is used of `Deno.DatagramConn`, which the types of Deno have with `--unstable-net` alone. */
interface DatagramConn {
  readonly addr: Deno.NetAddr;
  receive(memory: Uint8Array<ArrayBuffer>): Promise<[Uint8Array<ArrayBuffer>, Deno.NetAddr]>;
  send(bytes: Uint8Array, address: Deno.NetAddr): Promise<number>;
  close(): void;
  ref(): void;
  unref(): void;
}

/** `Deno.listenDatagram`, where it is. */
const { listenDatagram } = Deno as unknown as {
  readonly listenDatagram?: (
    options: Deno.NetAddr & { readonly reuseAddress?: boolean },
  ) => DatagramConn;
};

/** Whether Deno has sockets for datagrams. */
export const hasDatagrams: boolean = typeof listenDatagram === "function";

/** The address of a datagram, with what Deno wants of it for a reply. */
class Peer implements InetAddress {
  readonly hostname: string;
  readonly port: number;
  readonly native: Deno.NetAddr;

  constructor({ hostname, port }: InetAddress, native: Deno.NetAddr) {
    this.hostname = hostname;
    this.port = port;
    this.native = native;
  }
}

/** See the module's description. */
export class DatagramQueue extends DenoQueue {
  protected override readonly kind = "datagram socket";
  protected override readonly options = ["reuseAddress"] as const;
  #conn: DatagramConn | null = null;
  /** Who it is connected to. */
  #peer: Peer | null = null;
  /** The last two that were named: who was pushed to, and who was popped from. */
  #last: Peer | null = null;
  #sender: Peer | null = null;
  readonly #staging: Staging;
  readonly #receive: Call<[Uint8Array<ArrayBuffer>, Deno.NetAddr]>;
  readonly #send: Call<number>;
  /** Where what came, and nobody popped, is from. */
  #from: Peer | null = null;
  #isHeld = true;

  /** Makes a queue that has no socket yet. */
  constructor(context: DenoContext, domain: Domain) {
    super(context, domain);
    this.#staging = new Staging(context.heap);
    this.#receive = new Call(
      context.device,
      ([bytes, address]) => this.#came(bytes.length, address),
      (error) => this.#receiveFailed(error),
    );
    this.#send = new Call(
      context.device,
      () => this.#sent(),
      (error) => this.#sendFailed(error),
    );
  }

  /** See {@linkcode DenoQueue.isSending}. */
  protected override get isSending(): boolean {
    return this.#send.isUnderWay;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#conn !== null) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    this.#open(this.readOwn(address) as InetAddress, "bind");
  }

  /** Fixes the peer: pushes go to it, and only what it sends is popped. May be done again. */
  override connect(address: SocketAddress): PooledOperation<void> {
    const peer = this.#peerOf(address, "connect");
    this.#openUnbound("connect");
    this.#peer = peer;
    const operation = this.start(Opcode.CONNECT);
    operation.complete(undefined);
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#peer === null) {
      const detail = "the socket has no peer; connect it, or give an address";
      throw this.error("EDESTADDRREQ", "push", detail);
    }
    return this.#push(sga, this.#peer, "push");
  }

  /** See {@linkcode Queue.pushTo}. */
  override pushTo(sga: HeapSga, address: SocketAddress): PushOperation {
    return this.#push(sga, this.#peerOf(address, "pushTo"), "pushTo");
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#conn === null) {
      const detail = "the socket has no address; bind or connect it first";
      throw this.error("EDESTADDRREQ", "pop", detail);
    }
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.pops.head === null && this.#from !== null) {
      this.#give(operation);
    } else {
      this.pops.push(operation);
      operation.suspend();
      this.#ask();
    }
    return operation;
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    return this.#conn === null ? this.unboundName : fromDeno(this.#conn.addr);
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#peer === null) throw this.error("ENOTCONN", "getpeername");
    return { hostname: this.#peer.hostname, port: this.#peer.port };
  }

  /** See {@linkcode Queue.reference}. */
  override reference(referenced: boolean): void {
    super.reference(referenced);
    this.#hold();
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (this.goesOnUnseen(operation) || this.pushes.replace(operation, null)) return;
    this.pops.replace(operation, null);
    this.#hold();
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    super.close();
    if (!this.#receive.isUnderWay) this.#staging.drop();
    // What is under way ends by this, which Deno has to live to see.
    if (!this.#isHeld) this.#conn?.ref();
    this.#conn?.close();
  }

  #open({ hostname, port }: InetAddress, call: string): void {
    const reuse = this.flags.reuseAddress ? { reuseAddress: true } : {};
    try {
      this.#conn = listenDatagram!({ transport: "udp", hostname, port, ...reuse });
    } catch (error) {
      throw this.asError(error, call);
    }
  }

  /** Gives a socket an address that has none. */
  #openUnbound(call: string): void {
    if (this.#conn === null) this.#open(this.unboundName as InetAddress, call);
  }

  #push(sga: HeapSga, peer: Peer, call: string): PushOperation {
    sga.checkOwned(this.context.heap, call, this.qd);
    this.#openUnbound(call);
    sga.move();
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    operation.address = peer;
    this.pushes.push(operation);
    operation.suspend();
    if (!this.#send.isUnderWay) this.#sendNext();
    return operation;
  }

  #sendNext(): void {
    const operation = this.pushes.head!;
    const sga = operation.sga!;
    const bytes = bytesOf(sga, 0, Infinity);
    this.#send.begin(this.#conn!.send(bytes, (operation.address as Peer).native));
  }

  #sent(): void {
    const operation = this.#sendEnded();
    operation?.complete(undefined);
  }

  #sendFailed(error: unknown): void {
    const operation = this.#sendEnded();
    if (operation !== null) this.failWith(operation, error);
  }

  /** Goes on with the next push; gives the one that is over, unless it was closed meanwhile. */
  #sendEnded(): PooledOperation | null {
    if (this.wasOrphan()) return null;
    const operation = this.pushes.shift();
    if (this.pushes.head !== null) this.#sendNext();
    return operation;
  }

  #ask(): void {
    this.#hold();
    if (this.pops.head === null || this.#receive.isUnderWay) return;
    try {
      this.#receive.begin(this.#conn!.receive(this.#staging.lend(LARGEST)));
    } catch (error) {
      this.pops.shift().fail((error as DemikernelError).errno, error);
      this.#ask();
    }
  }

  #came(length: number, address: Deno.NetAddr): void {
    if (this.closed) return this.#staging.drop();
    const from = this.#senderOf(address);
    const peer = this.#peer;
    if (peer !== null && (from.port !== peer.port || from.hostname !== peer.hostname)) {
      this.#staging.drop();
    } else {
      this.#staging.fill(length);
      this.#from = from;
      if (this.pops.head !== null) this.#give(this.pops.shift());
    }
    this.#ask();
  }

  /** Completes a pop with the datagram that came. */
  #give(operation: PooledOperation): void {
    const { length } = this.#staging;
    const size = operation.size === 0 ? length : Math.min(operation.size, length);
    try {
      const sga = this.#staging.take(size);
      sga.describe(this.#from, length > size);
      operation.complete(sga);
    } catch (error) {
      if (!(error instanceof DemikernelError)) throw error;
      operation.fail(error.errno, error);
    }
    this.#staging.drop();
    this.#from = null;
  }

  #receiveFailed(error: unknown): void {
    this.#staging.drop();
    // It belongs to one pop, and harms no other.
    if (!this.closed && this.pops.head !== null) this.failWith(this.pops.shift(), error);
    if (!this.closed) this.#ask();
  }

  /** Who an address names, as Deno has it: checked once if it is the same again. */
  #peerOf(address: SocketAddress, call: string): Peer {
    if (address instanceof Peer && address === this.#sender) return address;
    const last = this.#last;
    if (last !== null && isNamed(address, last)) return last;
    const target = this.readTarget(address, call) as InetAddress;
    const isMapped = this.domain === "inet6" && !target.hostname.includes(":");
    const hostname = isMapped ? `::ffff:${target.hostname}` : target.hostname;
    return this.#last = new Peer(target, { transport: "udp", hostname, port: target.port });
  }

  #senderOf(address: Deno.NetAddr): Peer {
    const last = this.#sender;
    const isLast = last?.native.port === address.port && last.native.hostname === address.hostname;
    return isLast ? last : this.#sender = new Peer(fromDeno(address) as InetAddress, address);
  }

  /** See `StreamQueue`: a receive goes on when nobody waits for it any more. */
  #hold(): void {
    if (this.#conn === null) return;
    const isHeld = this.referenced && this.pops.head !== null;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#conn.ref();
    else this.#conn.unref();
  }
}

/** Whether an address, of which nothing was checked, names a peer by the text that the peer has. */
function isNamed(address: SocketAddress, peer: Peer): boolean {
  if (typeof address !== "object" || address === null || !("hostname" in address)) return false;
  return address.port === peer.port && address.hostname === peer.hostname;
}
