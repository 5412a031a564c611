/**
 * One end of a connection: what may be sent, what came, and how it ends. It is there before somebody accepts it.
 *
 * The receiver grants credit: so much may be sent, and more when what came was popped. Whoever sends without credit, or
 * anything that makes no sense, breaks this connection and no other.
 *
 * @module
 */

import { MESSAGE_INFO, STATUS } from "../../ffi/ucx/layout.ts";
import { DemikernelError, Errno } from "../error.ts";
import { Arrivals } from "./arrivals.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import type { CatmintContext } from "./context.ts";
import type { Flier } from "./flights.ts";
import type { Peer } from "./peer.ts";
import { amountOf, costOf, detailOf, MOST_CREDIT, TYPE, typeOf, WINDOW } from "./protocol.ts";
import type { SocketAddress } from "../pdpix.ts";

/** The mark of a request that sends; those that receive have the number of the arrival. */
const SENDING = -1;

/** Credit is granted when so much was popped: seldom enough to cost nothing, and before the sender has none. */
const GRANT = WINDOW / 4;

/**
 * So many messages of one connection UCX may be sending at once: it sends one after the other, and those of other connections
 * to the same peer wait behind.
 */
const MOST_FLYING = 8;

/** Whose connection it is. */
export interface ConnectionUser {
  /** A message came, when none waited: says whether it was taken. */
  take(sga: HeapSga): boolean;
  /** A pop may be over: something came, or the end, or an error. */
  readable(): void;
  /** More may be sent, or it is known that nothing can be. */
  writable(): void;
}

/** See the module's description. */
export class Connection implements Flier {
  /** What messages for it have in their tag. */
  readonly id: number;
  /** The own end. */
  readonly local: SocketAddress;
  /** The other end. */
  readonly remote: SocketAddress;
  /** Whose it is; null until it is accepted. */
  user: ConnectionUser | null = null;
  /** How much the peer takes. */
  #credit = 0;
  /** Messages that UCX is sending. */
  #flying = 0;
  /** The errno that broke it; 0 while it is whole. What came before may still be popped. */
  broken = 0;
  /** Whether the peer has sent all that it will. */
  isFinished = false;
  /** Whether the peer takes nothing more. */
  isRefused = false;
  /** Who is at the other end; null until that is known. */
  peer: Peer | null = null;
  /** What came and was not popped. */
  readonly arrivals = new Arrivals();
  readonly #context: CatmintContext;
  #remoteId = 0;
  /** How much the peer may send. */
  #granted = WINDOW;
  /** How much of what was popped was not granted anew yet. */
  #owed = 0;
  /** Whether nobody wants what comes. */
  #isDeaf = false;
  #isClosed = false;

  /** Makes one that has no peer yet. Throws {@linkcode DemikernelError} `EMFILE`. */
  constructor(context: CatmintContext, local: SocketAddress, remote: SocketAddress) {
    this.#context = context;
    this.local = local;
    this.remote = remote;
    this.id = context.identify(this);
  }

  /** It has a peer, which granted so much at first. Messages may have come before. */
  open(peer: Peer, remoteId: number, credit: number): void {
    this.peer = peer;
    this.#remoteId = remoteId;
    this.#credit += credit;
    peer.add(this);
  }

  /** How much may be sent now. */
  get credit(): number {
    return this.#flying < MOST_FLYING ? this.#credit : 0;
  }

  /** Whether nothing more can be sent. */
  get isDead(): boolean {
    return this.isRefused || this.broken !== 0;
  }

  /**
   * Sends a part of a chunk, for which there is credit. It is as good as sent then: the chunk is held as long as it is needed.
   */
  send(chunk: Chunk, offset: number, length: number): void {
    const { worker, memory, flights } = this.#context;
    const peer = this.peer!;
    this.#credit -= costOf(length);
    const status = worker.send(
      peer.endpoint,
      chunk.address + offset,
      length,
      detailOf(TYPE.DATA, 0),
      this.#remoteId,
      memory.handleOf(chunk, length),
    );
    if (peer.isSelf) this.#context.sentToSelf();
    if (status === STATUS.IN_PROGRESS) {
      this.#flying++;
      flights.add(this, SENDING, chunk);
    } else if (status < 0) {
      peer.fail();
    }
  }

  /** A message came for it, which has to be received or dropped. */
  message(info: Int32Array<ArrayBuffer>): void {
    const detail = info[MESSAGE_INFO.TAG_LOW]!;
    const length = info[MESSAGE_INFO.LENGTH_LOW]!;
    const type = typeOf(detail);
    if (type === TYPE.DATA && length > 0 && info[MESSAGE_INFO.LENGTH_HIGH] === 0) {
      this.#receive(length);
      return;
    }
    this.#context.discard();
    if ((length | info[MESSAGE_INFO.LENGTH_HIGH]!) === 0) this.#signal(type, amountOf(detail));
    else this.#violated();
  }

  /** See {@linkcode Flier.landed}. */
  landed(mark: number, status: number): void {
    if (mark === SENDING) {
      this.#flying--;
      if (status < 0) this.peer!.fail();
      else this.user?.writable();
    } else if (this.#isClosed || !this.arrivals.has(mark)) {
      this.arrivals.free(mark);
    } else if (status < 0) {
      this.#violated();
      this.arrivals.free(mark);
    } else {
      this.arrivals.complete(mark);
      this.user?.readable();
    }
  }

  /** Something that came was popped, or taken, and what it cost is granted anew. */
  consumed(cost: number): void {
    this.#owed += cost;
    if (this.#owed < GRANT || this.isFinished || this.broken !== 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    this.#granted += owed;
    this.#say(TYPE.CREDIT, owed);
  }

  /** Nobody wants what comes any more. */
  deafen(): void {
    this.#isDeaf = true;
    while (this.arrivals.isReady) {
      const { first, cost } = this.arrivals;
      this.arrivals.shift();
      first.free();
      this.consumed(cost);
    }
  }

  /** There will be no more to send. */
  finish(): void {
    this.#say(TYPE.FINISH, 0);
  }

  /** Lets go of it: gracefully, or, if something was not popped or that is wanted, by a reset. */
  close(reset: boolean): void {
    this.#isClosed = true;
    this.user = null;
    this.#context.forget(this);
    this.#say(reset || (this.arrivals.length > 0 && !this.#isDeaf) ? TYPE.RESET : TYPE.CLOSE, 0);
    this.arrivals.clear();
    this.peer?.remove(this);
  }

  /** The peer is gone, or has reset it. Its end was one, if it has told of that. */
  fail(errno: number): void {
    if (this.broken !== 0) return;
    if (this.isFinished && this.arrivals.isWhole) {
      this.isRefused = true;
    } else {
      this.broken = errno;
      this.arrivals.cut();
    }
    this.user?.readable();
    this.user?.writable();
  }

  #receive(length: number): void {
    const { worker, memory, heap, flights } = this.#context;
    const cost = costOf(length);
    if (cost > this.#granted || this.isFinished) {
      this.#context.discard();
      return this.#violated();
    }
    this.#granted -= cost;
    if (this.#isDeaf || this.broken !== 0) {
      this.#context.discard();
      return this.consumed(cost);
    }
    let chunk: Chunk;
    try {
      chunk = heap.take(length);
    } catch (error) {
      if (!(error instanceof DemikernelError)) throw error;
      this.#context.discard();
      return this.#break(error.errno);
    }
    const status = worker.receive(chunk.address, length, memory.handleOf(chunk, length));
    const sga = heap.wrap(chunk, length);
    if (status < 0) {
      sga.free();
      return this.#violated();
    }
    const { user, arrivals } = this;
    if (status === STATUS.OK && arrivals.length === 0 && user !== null && user.take(sga)) {
      return this.consumed(cost);
    }
    const number = arrivals.push(sga, cost, status === STATUS.OK);
    if (status === STATUS.IN_PROGRESS) flights.add(this, number, null);
    else user?.readable();
  }

  #signal(type: number, amount: number): void {
    switch (type) {
      case TYPE.CREDIT:
        if (amount === 0 || this.#credit + amount > MOST_CREDIT) return this.#violated();
        this.#credit += amount;
        this.user?.writable();
        break;
      case TYPE.FINISH:
      case TYPE.CLOSE:
        this.isFinished = true;
        if (type === TYPE.CLOSE) this.isRefused = true;
        this.user?.readable();
        this.user?.writable();
        break;
      case TYPE.RESET:
        this.fail(Errno.ECONNRESET);
        break;
      default:
        this.#violated();
    }
  }

  /** The peer does not keep to the protocol. */
  #violated(): void {
    this.#break(Errno.ECONNRESET);
  }

  /** Breaks the connection, for both ends. */
  #break(errno: number): void {
    this.#say(TYPE.RESET, 0);
    this.isFinished = false;
    this.fail(errno);
  }

  /** Sends a message without data. */
  #say(type: number, amount: number): void {
    const peer = this.peer;
    if (peer === null || peer.isGone || this.broken !== 0) return;
    const { worker } = this.#context;
    const detail = detailOf(type, amount);
    const status = worker.send(peer.endpoint, 0, 0, detail, this.#remoteId, null);
    if (peer.isSelf) this.#context.sentToSelf();
    if (status === STATUS.IN_PROGRESS) worker.free(worker.request[0]!);
    else if (status < 0) peer.fail();
  }
}
