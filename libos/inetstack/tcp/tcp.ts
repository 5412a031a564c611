/**
 * The Transmission Control Protocol (RFC 9293): which connection a segment belongs to, and the calls of the user.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { type Connection, type ConnectionUser, EVENT, TIMER } from "./connection.ts";
import { emitReset } from "./emit.ts";
import { fold, type Memory, sum } from "../../runtime/memory/memory.ts";
import type { BufferHeap } from "../../runtime/memory/heap.ts";
import type { Chunk } from "../../runtime/memory/chunk.ts";
import type { HashKey } from "../hash.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import type { Host } from "../ethernet/interface.ts";
import type { ErrorListener, IcmpError } from "../icmp/icmp_error.ts";
import { arrive } from "./input.ts";
import { arriveInListen } from "./listen.ts";
import type { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import { type Listener, Listeners } from "./listener.ts";
import { LocalPorts } from "./local_ports.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { takeError, takeUnreachable } from "./network_error.ts";
import { sendLimitOf, tuneReceiveBuffer } from "./auto_tuning.ts";
import { connect, type ConnectOptions } from "./open.ts";
import { output, sendAlone } from "./output.ts";
import type { Packet } from "../ip/packet.ts";
import type { Random } from "../random.ts";
import { takeExpected } from "./prediction.ts";
import { RangePool } from "./receive_buffer.ts";
import { RateLimit } from "../time.ts";
import { later } from "./sequence.ts";
import { endScoreboard } from "./sack.ts";
import { ScoreboardPool } from "./scoreboard.ts";
import { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import { ConnectionTable } from "./table.ts";
import { FIN_WAIT_LENGTH } from "./text.ts";
import { arm, disarm, disarmAll, expire } from "./timers.ts";
import { TimerWheel } from "./timer_wheel.ts";
import { windowOpened } from "./window.ts";
import { TCP } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { CONNECTED, FAILED, READABLE, WRITABLE } = EVENT;
const { CLOSE_WAIT, CLOSED, ESTABLISHED } = STATE;

/** See the module's description. */
export class Tcp implements ErrorListener {
  /** The host. */
  declare readonly host: Host;
  /** The way out. */
  declare readonly output: IpOutput;
  /** Resets that may be sent to who speaks to no connection. */
  declare readonly resets: RateLimit;
  /** Who listens. */
  readonly listeners: Listeners = new Listeners();
  /** Whether it ever answered a SYN by a cookie. */
  sendsCookies = false;
  /** When it did so last. */
  cookieAt = 0;
  /** Whether it asks for explicit congestion notification. */
  asksForEcn = false;
  /** Whether who asks for explicit congestion notification gets it. */
  givesEcn = true;
  /** Whether it offers timestamps, and takes them (RFC 7323). */
  offersTimestamps = true;
  /** Whether it offers windows with a scale, and takes them (RFC 7323). */
  offersWindowScale = true;
  /** Whether it offers selective acknowledgments, and takes them (RFC 2018). */
  offersSack = true;
  /** Whether a RST in the window, but not at its edge, is asked about (RFC 5961, section 3.2), and does not reset. */
  challengesResets = true;
  /** Whether a SYN in the window is asked about (RFC 5961, section 4.2), and does not reset. */
  challengesSyns = true;
  /** How many connections may be in TIME-WAIT. */
  timeWaitLimit: number = BOUNDS.TIME_WAIT;
  /** How many connections of listeners are not made yet. */
  halfOpen = 0;
  /** The secret of its numbers and ports. */
  declare readonly key: HashKey;
  /** Where what comes is kept. */
  declare readonly pool: RangePool;
  /** Records of what is under way. */
  readonly scoreboards: ScoreboardPool = new ScoreboardPool();
  /** All connections. */
  declare readonly table: ConnectionTable;
  /** When they are to be looked at. */
  declare readonly wheel: TimerWheel;
  readonly #ports: LocalPorts;
  readonly #segment = new Segment();
  /** Those that wait for their turn to send, the first that came first. */
  #pending: Connection | null = null;
  #lastPending: Connection | null = null;
  readonly #timeWait = new Set<Connection>();

  /** Makes the protocol of a host. */
  constructor(host: Host, output: IpOutput, heap: BufferHeap, key: HashKey, random: Random) {
    this.host = host;
    this.output = output;
    this.pool = new RangePool(heap);
    this.key = key;
    this.table = new ConnectionTable(random.next());
    this.wheel = new TimerWheel(host.time, host.timers, (one) => expire(this, one));
    this.#ports = new LocalPorts(key, this.table);
    this.resets = new RateLimit(BOUNDS.RESETS, host.time);
  }

  /** Whether it has to be saved at all costs. */
  get isFull(): boolean {
    return this.pool.isFull;
  }

  /** Whether so much waits to be taken that memory is short. */
  get isShort(): boolean {
    return this.pool.isShort;
  }

  /** How many connections there are, in any state. */
  get size(): number {
    return this.table.size;
  }

  /** All connections. */
  [Symbol.iterator](): Iterator<Connection> {
    return this.table[Symbol.iterator]();
  }

  /**
   * A segment of `size` bytes came by IPv4, with nothing before it that has to be looked at; says whether it was the
   * expected one of a connection, and is taken.
   */
  takeExpected4(
    memory: Memory,
    at: number,
    size: number,
    source: number,
    destination: number,
    verified: boolean,
  ): boolean {
    const connection = this.table.find4(memory.i32[at >> 2]!, source, destination);
    if (connection === null) return false;
    if (!takeExpected(this, connection, memory, at, size, verified)) return false;
    this.host.counters.tcpReceived++;
    if (connection.events !== 0) this.tell(connection);
    return true;
  }

  /** See {@linkcode Transport.receive}. */
  receive(packet: Packet): void {
    const { memory, payload, length } = packet;
    const { counters } = this.host;
    counters.tcpReceived++;
    const segment = this.#segment;
    const whole = length >= TCP.SIZE &&
      (packet.verified || fold(sum(memory, payload, length) + packet.pseudoSum) === 0xffff);
    if (!whole || !segment.parse(packet)) {
      counters.tcpErrors++;
      return;
    }
    const ports = memory.i32[payload >> 2]!;
    const connection = this.table.find(packet, ports);
    if (connection !== null) {
      arrive(this, connection, packet, segment);
      if (connection.events !== 0) this.tell(connection);
    } else {
      arriveInListen(this, packet, segment, ports);
    }
  }

  /** Memory that nobody holds but what waits to be acknowledged. */
  heldChunks(): Chunk[] {
    const held = new Map<Chunk, number>();
    for (const { sendBuffer } of this) sendBuffer.countChunks(held);
    return [...held].filter(([chunk, count]) => chunk.references === count).map(([chunk]) => chunk);
  }

  /** Sends what became due, as far as the device has room. */
  flush(): void {
    let connection = this.#pending;
    this.#pending = this.#lastPending = null;
    while (connection !== null) {
      const next: Connection | null = connection.nextPending;
      connection.nextPending = null;
      connection.pending = false;
      if (connection.state !== CLOSED) output(this, connection);
      connection = next;
    }
  }

  /** Whether something waits to be sent. */
  get isPending(): boolean {
    return this.#pending !== null;
  }

  /** Lets a connection send with the next flush. */
  want(connection: Connection): void {
    if (connection.pending) return;
    connection.pending = true;
    if (this.#lastPending === null) this.#pending = connection;
    else this.#lastPending.nextPending = connection;
    this.#lastPending = connection;
  }

  /** Tells the user what happened. */
  tell(connection: Connection): void {
    const { events, user } = connection;
    connection.events = 0;
    if (user === null || events === 0) return;
    if ((events & CONNECTED) !== 0) user.connected();
    if ((events & WRITABLE) !== 0) user.writable();
    if ((events & READABLE) !== 0) user.readable();
    if ((events & FAILED) !== 0) user.failed(connection.error);
  }

  // Addresses.

  /** See {@linkcode LocalPorts.bind}. */
  bind(address: IpAddress, port: number, reuse: boolean): number {
    return this.#ports.bind(address, port, reuse);
  }

  /** See {@linkcode LocalPorts.unbind}. */
  unbind(address: IpAddress, port: number): void {
    this.#ports.unbind(address, port);
  }

  // Calls of the user (section 3.9.1).

  /** Listens at an address that was bound. */
  listen(listener: Listener): void {
    this.listeners.add(listener);
  }

  /** Listens no more. Whoever connected and was not accepted is reset. */
  unlisten(listener: Listener): void {
    this.listeners.remove(listener);
    for (const connection of [...this]) {
      if (connection.state === STATE.SYN_RECEIVED && connection.listener === listener) {
        emitReset(this, connection);
        this.remove(connection);
      }
    }
    for (let one = listener.accept(); one !== null; one = listener.accept()) this.#drop(one);
  }

  /** Begins to connect from an address; from a port of its own choice for 0. Gives an errno if that cannot be. */
  connect(
    local: IpAddress | null,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    user: ConnectionUser,
    options: ConnectOptions,
  ): Connection | number {
    return connect(this, this.#ports, local, localPort, remote, remotePort, user, options);
  }

  /** Sends an sga, which was moved. */
  push(connection: Connection, sga: HeapSga): void {
    const { sendBuffer, state } = connection;
    const isAlone = sendBuffer.end === connection.sndNxt;
    sendBuffer.put(sga);
    if (state !== ESTABLISHED && state !== CLOSE_WAIT) return;
    if (!isAlone || !sendAlone(this, connection)) output(this, connection);
  }

  /** Up to where the stream is taken by now: as far as the send buffer goes, and what was sent; the rest has to wait. */
  pushLimit(connection: Connection): number {
    return later((connection.sndUna + sendLimitOf(connection)) | 0, connection.sndMax);
  }

  /** Takes what came, at most `size` bytes for other than 0; null if nothing is there. */
  take(connection: Connection, size: number): HeapSga | null {
    const { receiveBuffer, state } = connection;
    if (receiveBuffer.available === 0) return null;
    const sga = receiveBuffer.take(size);
    if (
      connection.tunesReceive &&
      ((this.host.time.us - connection.tunedAt) >>> 0) >= connection.srtt
    ) {
      tuneReceiveBuffer(this, connection);
    }
    if (state >= ESTABLISHED && !connection.finReceived && windowOpened(connection)) {
      connection.ackNow = true;
      this.want(connection);
    }
    return sga;
  }

  /** Begins to ask whether the peer is there, or ends it, as the connection says. */
  keepAlive(connection: Connection): void {
    if (connection.state < ESTABLISHED || connection.state === STATE.TIME_WAIT) return;
    if (connection.keepalive) arm(this, connection, TIMER.KEEPALIVE, connection.keepaliveIdle);
    else disarm(connection, TIMER.KEEPALIVE);
  }

  /** Sends no more: a FIN follows what is to be sent. */
  shutdown(connection: Connection): void {
    if (connection.finQueued) return;
    connection.finQueued = true;
    if (connection.state === ESTABLISHED) connection.state = STATE.FIN_WAIT_1;
    else if (connection.state === CLOSE_WAIT) connection.state = STATE.LAST_ACK;
    else return;
    output(this, connection);
  }

  /**
   * The user is through. What is to be sent is sent; what came and nobody took, and what still comes, is lost, which the
   * peer is told by a reset (section 3.6.1; RFC 2525, section 2.17).
   */
  close(connection: Connection): void {
    const { state, receiveBuffer } = connection;
    connection.user = null;
    connection.deaf = true;
    const lost = receiveBuffer.available > 0;
    receiveBuffer.clear();
    if (state === CLOSED || state === STATE.TIME_WAIT) return;
    if (lost || state < ESTABLISHED) return this.abort(connection);
    if (state === STATE.FIN_WAIT_2) arm(this, connection, TIMER.END, FIN_WAIT_LENGTH);
    if (connection.userTimeout === 0) {
      // From now on: that nothing was taken before is not held against the peer.
      connection.userTimeout = BOUNDS.ORPHAN_TIMEOUT;
      connection.stalledAt = this.host.time.ms;
    }
    this.shutdown(connection);
  }

  /** Ends a connection at once, with a reset. */
  abort(connection: Connection): void {
    const { state } = connection;
    connection.user = null;
    connection.receiveBuffer.clear();
    if (state >= STATE.SYN_RECEIVED && state !== STATE.TIME_WAIT) emitReset(this, connection);
    this.remove(connection);
  }

  /** A connection is gone, and its user is to know why. */
  fail(connection: Connection, errno: number): void {
    connection.error = errno;
    connection.events |= FAILED;
    this.#unlink(connection);
  }

  /** A connection is over. What came stays, as long as somebody may take it. */
  remove(connection: Connection): void {
    this.#unlink(connection);
  }

  /** A connection that a listener has is made now. */
  established(connection: Connection): void {
    this.halfOpen--;
    connection.listener!.established(connection);
  }

  /** A connection in TIME-WAIT counts; if there are too many, the oldest goes. */
  boundTimeWait(connection: Connection): void {
    this.#timeWait.add(connection);
    if (this.#timeWait.size <= this.timeWaitLimit) return;
    for (const oldest of this.#timeWait) return this.remove(oldest);
  }

  /** A SYN begins a new connection in place of one in TIME-WAIT. */
  reopen(connection: Connection, packet: Packet, segment: Segment): void {
    this.remove(connection);
    arriveInListen(this, packet, segment, connection.portsIn);
  }

  // What happens elsewhere.

  /** See {@linkcode ErrorListener.failed} (RFC 1122, section 4.2.3.9; RFC 5927). */
  failed(error: IcmpError): void {
    const { quoted, memory, payload } = error;
    const ports = memory!.i32[payload >> 2]!;
    const { s0, s1, s2, s3, d0, d1, d2, d3 } = quoted;
    const connection = this.table.search(
      ports << 16 | ports >>> 16,
      d0,
      d1,
      d2,
      d3,
      s0,
      s1,
      s2,
      s3,
    );
    takeError(this, connection, error);
  }

  /** A neighbour did not answer. */
  unreachable(neighbour: Neighbour): void {
    takeUnreachable(this, neighbour);
  }

  /** Whoever connected and was not accepted is reset. */
  #drop(connection: Connection): void {
    connection.listener = null;
    this.abort(connection);
  }

  #unlink(connection: Connection): void {
    if (connection.state === CLOSED) return;
    const { listener } = connection;
    if (connection.state === STATE.SYN_RECEIVED && listener !== null) {
      listener.halfOpen--;
      this.halfOpen--;
      connection.listener = null;
    }
    connection.sendBuffer.clear();
    endScoreboard(this, connection);
    if (connection.user === null && connection.listener === null) connection.receiveBuffer.clear();
    this.#timeWait.delete(connection);
    connection.state = CLOSED;
    connection.neighbour.users--;
    disarmAll(this, connection);
    this.table.remove(connection);
  }
}
