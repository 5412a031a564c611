/**
 * The Transmission Control Protocol (RFC 9293): which connection a segment belongs to, and the calls of the user.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { Connection, type ConnectionUser, EVENT, TIMER } from "./connection.ts";
import { connectionHash, initialSequence } from "./isn.ts";
import { emitReset, emitResetFor, pseudoOf } from "./emit.ts";
import { EphemeralPorts } from "../ports.ts";
import { Errno } from "../../error.ts";
import { fold, type Memory, sum, swap16 } from "../../runtime/memory/memory.ts";
import type { BufferHeap } from "../../runtime/memory/heap.ts";
import type { Chunk } from "../../runtime/memory/chunk.ts";
import type { HashKey } from "../hash.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import type { Host } from "../ethernet/interface.ts";
import type { ErrorListener, IcmpError } from "../icmp/icmp_error.ts";
import { arrive, setMss, takeFirstWindow, takeSyn } from "./input.ts";
import type { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import type { Listener } from "./listener.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { output, sendAlone } from "./output.ts";
import type { Packet } from "../ip/packet.ts";
import type { Random } from "../random.ts";
import { takeExpected } from "./prediction.ts";
import { RangePool } from "./receive_buffer.ts";
import { RateLimit } from "../time.ts";
import { RENO } from "./congestion/reno.ts";
import { before, later } from "./sequence.ts";
import { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import { ConnectionTable } from "./table.ts";
import { FIN_WAIT_LENGTH } from "./text.ts";
import { arm, disarm, disarmAll } from "./timers.ts";
import { scaleFor, windowOpened } from "./window.ts";
import { FLAG, TCP } from "../wire/tcp.ts";

/** How a connection is begun. */
export interface ConnectOptions {
  /** Bytes that it holds until they are taken. */
  readonly receiveLimit: number;
  /** Bytes that it keeps until they are acknowledged. */
  readonly sendLimit: number;
}

/** See the module's description. */
export class Tcp implements ErrorListener {
  /** The host. */
  readonly host: Host;
  /** The way out. */
  readonly output: IpOutput;
  /** Challenge ACKs that may be sent. */
  readonly challenges: RateLimit;
  /** Resets that may be sent to who speaks to no connection. */
  readonly resets: RateLimit;
  readonly #random: Random;
  readonly #key: HashKey;
  readonly #pool: RangePool;
  readonly #ports: EphemeralPorts;
  readonly #segment = new Segment();
  readonly #table: ConnectionTable;
  readonly #listeners = new Map<number, Listener[]>();
  /** Ports of sockets that are bound and do not listen, and how often. */
  readonly #bound = new Map<number, IpAddress[]>();
  /** Those that wait for their turn to send, the first that came first. */
  #pending: Connection | null = null;
  #lastPending: Connection | null = null;
  readonly #timeWait = new Set<Connection>();
  #halfOpen = 0;

  /** Makes the protocol of a host. */
  constructor(host: Host, output: IpOutput, heap: BufferHeap, key: HashKey, random: Random) {
    this.host = host;
    this.output = output;
    this.#pool = new RangePool(heap);
    this.#key = key;
    this.#random = random;
    this.#ports = new EphemeralPorts(key);
    this.#table = new ConnectionTable(random.next());
    this.challenges = new RateLimit(BOUNDS.CHALLENGE_ACKS, host.time);
    this.resets = new RateLimit(BOUNDS.RESETS, host.time);
  }

  /** How many connections there are, in any state. */
  get size(): number {
    return this.#table.size;
  }

  /** All connections. */
  [Symbol.iterator](): Iterator<Connection> {
    return this.#table[Symbol.iterator]();
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
    const connection = this.#table.find4(memory.i32[at >> 2]!, source, destination);
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
    const connection = this.#table.find(packet, ports);
    if (connection !== null) {
      arrive(this, connection, packet, segment);
      if (connection.events !== 0) this.tell(connection);
    } else {
      this.#arriveInListen(packet, segment, ports);
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
      if (connection.state !== STATE.CLOSED) output(this, connection);
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
    if ((events & EVENT.CONNECTED) !== 0) user.connected();
    if ((events & EVENT.WRITABLE) !== 0) user.writable();
    if ((events & EVENT.READABLE) !== 0) user.readable();
    if ((events & EVENT.FAILED) !== 0) user.failed(connection.error);
  }

  // Addresses.

  /** Takes a port for a socket, one that is free for 0; gives it, or 0 if it is not to be had. */
  bind(address: IpAddress, port: number, reuse: boolean): number {
    if (port === 0) {
      port = this.#choosePort(address, address, 0, (one) => this.#isFree(address, one));
    } else if (!this.#mayBind(address, port, reuse)) {
      return 0;
    }
    if (port === 0) return 0;
    const bound = this.#bound.get(port);
    if (bound === undefined) this.#bound.set(port, [address]);
    else bound.push(address);
    return port;
  }

  /** Gives a port back. */
  unbind(address: IpAddress, port: number): void {
    const bound = this.#bound.get(port)!;
    bound.splice(bound.findIndex((one) => one.equals(address)), 1);
    if (bound.length === 0) this.#bound.delete(port);
  }

  // Calls of the user (section 3.9.1).

  /** Listens at an address that was bound. */
  listen(listener: Listener): void {
    const listeners = this.#listeners.get(listener.port);
    if (listeners === undefined) this.#listeners.set(listener.port, [listener]);
    else listeners.push(listener);
  }

  /** Listens no more. Whoever connected and was not accepted is reset. */
  unlisten(listener: Listener): void {
    const listeners = this.#listeners.get(listener.port)!;
    listeners.splice(listeners.indexOf(listener), 1);
    if (listeners.length === 0) this.#listeners.delete(listener.port);
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
    // There are no connections with groups.
    if (remote.isMulticast || this.output.addressing.isBroadcast(remote)) return Errno.ENETUNREACH;
    const neighbour = this.output.route(remote);
    if (neighbour === null) return Errno.ENETUNREACH;
    const own = local === null || local.isUnspecified
      ? this.output.addressing.sourceFor(remote, neighbour.address)
      : local;
    if (own === null) return Errno.EADDRNOTAVAIL;
    const port = localPort ||
      this.#choosePort(
        own,
        remote,
        remotePort,
        (one) =>
          !this.#bound.has(one) && !this.#listeners.has(one) &&
          this.#table.lookup(own, one, remote, remotePort) === null,
      );
    if (port === 0) return Errno.EADDRNOTAVAIL;
    const old = this.#table.lookup(own, port, remote, remotePort);
    if (old !== null) {
      if (old.state !== STATE.TIME_WAIT) return Errno.EADDRINUSE;
      // Its timestamps or numbers go on where it ended (RFC 6191).
      this.remove(old);
    }
    const connection = this.#make(own, port, remote, remotePort, neighbour, options);
    connection.user = user;
    connection.state = STATE.SYN_SENT;
    this.host.counters.tcpActiveOpens++;
    output(this, connection);
    return connection;
  }

  /** Sends an sga, which was moved. */
  push(connection: Connection, sga: HeapSga): void {
    const { sendBuffer, state } = connection;
    const isAlone = sendBuffer.end === connection.sndNxt;
    sendBuffer.put(sga);
    if (state !== STATE.ESTABLISHED && state !== STATE.CLOSE_WAIT) return;
    if (!isAlone || !sendAlone(this, connection)) output(this, connection);
  }

  /** Up to where the stream is taken by now: as far as the send buffer goes, and what was sent; the rest has to wait. */
  pushLimit({ sndUna, sndMax, sendLimit }: Connection): number {
    return later((sndUna + sendLimit) | 0, sndMax);
  }

  /** Takes what came, at most `size` bytes for other than 0; null if nothing is there. */
  take(connection: Connection, size: number): HeapSga | null {
    const { receiveBuffer, state } = connection;
    if (receiveBuffer.available === 0) return null;
    const sga = receiveBuffer.take(size);
    if (state >= STATE.ESTABLISHED && !connection.finReceived && windowOpened(connection)) {
      connection.ackNow = true;
      this.want(connection);
    }
    return sga;
  }

  /** Begins to ask whether the peer is there, or ends it, as the connection says. */
  keepAlive(connection: Connection): void {
    if (connection.state < STATE.ESTABLISHED || connection.state === STATE.TIME_WAIT) return;
    if (connection.keepalive) arm(this, connection, TIMER.KEEPALIVE, connection.keepaliveIdle);
    else disarm(connection, TIMER.KEEPALIVE);
  }

  /** Sends no more: a FIN follows what is to be sent. */
  shutdown(connection: Connection): void {
    if (connection.finQueued) return;
    connection.finQueued = true;
    if (connection.state === STATE.ESTABLISHED) connection.state = STATE.FIN_WAIT_1;
    else if (connection.state === STATE.CLOSE_WAIT) connection.state = STATE.LAST_ACK;
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
    if (state === STATE.CLOSED || state === STATE.TIME_WAIT) return;
    if (lost || state < STATE.ESTABLISHED) return this.abort(connection);
    if (state === STATE.FIN_WAIT_2) arm(this, connection, TIMER.END, FIN_WAIT_LENGTH);
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
    connection.events |= EVENT.FAILED;
    this.#unlink(connection);
  }

  /** A connection is over. What came stays, as long as somebody may take it. */
  remove(connection: Connection): void {
    this.#unlink(connection);
  }

  /** A connection that a listener has is made now. */
  established(connection: Connection): void {
    this.#halfOpen--;
    connection.listener!.established(connection);
  }

  /** A connection in TIME-WAIT counts; if there are too many, the oldest goes. */
  boundTimeWait(connection: Connection, most: number): void {
    this.#timeWait.add(connection);
    if (this.#timeWait.size <= most) return;
    for (const oldest of this.#timeWait) return this.remove(oldest);
  }

  /** A SYN begins a new connection in place of one in TIME-WAIT. */
  reopen(connection: Connection, packet: Packet, segment: Segment): void {
    this.remove(connection);
    this.#arriveInListen(packet, segment, connection.portsIn);
  }

  // What happens elsewhere.

  /** See {@linkcode ErrorListener.failed} (RFC 1122, section 4.2.3.9; RFC 5927). */
  failed(error: IcmpError): void {
    const { quoted, memory, payload } = error;
    const ports = memory!.i32[payload >> 2]!;
    const { s0, s1, s2, s3, d0, d1, d2, d3 } = quoted;
    const connection = this.#table.search(
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
    if (connection === null || connection.state === STATE.TIME_WAIT) return;
    const seq = memory!.i32[(payload + TCP.SEQUENCE) >> 2]!;
    const sent = seq << 24 | (seq & 0xff00) << 8 | (seq >>> 8) & 0xff00 | seq >>> 24;
    // Who does not know what is under way has not seen it (RFC 5927, section 4.1).
    if (before(sent, connection.sndUna) || !before(sent, connection.sndMax)) return;
    if (error.errno === 0) return this.#shrink(connection, error.mtu);
    connection.softError = error.errno;
    if (connection.state === STATE.SYN_SENT) {
      this.fail(connection, error.errno);
      this.tell(connection);
    }
  }

  /** A neighbour did not answer: who is connecting through it learns that, the others go on trying. */
  unreachable(neighbour: Neighbour): void {
    for (const connection of [...this]) {
      if (connection.neighbour !== neighbour) continue;
      connection.softError = Errno.EHOSTUNREACH;
      if (connection.state !== STATE.SYN_SENT) continue;
      this.fail(connection, Errno.EHOSTUNREACH);
      this.tell(connection);
    }
  }

  /** A packet was too big for the way (RFC 1191; RFC 8201): smaller ones are sent from now on. */
  #shrink(connection: Connection, mtu: number): void {
    const least = connection.version === 4 ? 552 : 1280;
    const known = connection.pathMtu || connection.neighbour.iface.device.mtu;
    const wanted = Math.max(mtu, least);
    if (wanted >= known || connection.state < STATE.ESTABLISHED) return;
    connection.pathMtu = wanted;
    setMss(connection);
    // What was lost is sent again, and no congestion is to be blamed (RFC 8201, section 4).
    connection.sndNxt = connection.sndUna;
    connection.timing = false;
    this.want(connection);
  }

  /** A segment came to no connection (sections 3.10.7.1 and 3.10.7.2). */
  #arriveInListen(packet: Packet, segment: Segment, ports: number): void {
    const { flags } = segment;
    if ((flags & FLAG.RST) !== 0) return;
    const port = swap16(ports >>> 16);
    const listener = (flags & (FLAG.SYN | FLAG.ACK)) === FLAG.SYN
      ? this.#findListener(packet, port)
      : null;
    if (listener === null) return emitResetFor(this, packet, segment);
    const { counters } = this.host;
    if (!listener.hasRoom || this.#halfOpen >= BOUNDS.SYN_RECEIVED) {
      counters.tcpListenDrops++;
      return;
    }
    const { source, destination } = packet;
    const neighbour = this.output.route(source);
    const remotePort = swap16(ports & 0xffff);
    // Nobody has port 0, nor is it a connection with itself.
    if (neighbour === null || remotePort === 0) return;
    const connection = this.#make(destination, port, source, remotePort, neighbour, listener);
    connection.listener = listener;
    connection.state = STATE.SYN_RECEIVED;
    listener.halfOpen++;
    this.#halfOpen++;
    counters.tcpPassiveOpens++;
    takeSyn(this, connection, segment);
    takeFirstWindow(connection, segment);
    output(this, connection);
  }

  /** Whoever connected and was not accepted is reset. */
  #drop(connection: Connection): void {
    connection.listener = null;
    this.abort(connection);
  }

  #findListener(packet: Packet, port: number): Listener | null {
    const listeners = this.#listeners.get(port);
    if (listeners === undefined) return null;
    let best: Listener | null = null;
    for (const listener of listeners) {
      const { local } = listener;
      const isSame = local.version === packet.version;
      if (isSame && local.is(packet.d0, packet.d1, packet.d2, packet.d3)) return listener;
      // That of IPv6 stands for IPv4, too.
      if (local.isUnspecified && (isSame || local.version === 6)) best = listener;
    }
    return best;
  }

  #make(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    neighbour: Neighbour,
    options: ConnectOptions,
  ): Connection {
    const portsIn = swap16(remotePort) | swap16(localPort) << 16;
    const portsOut = portsIn << 16 | portsIn >>> 16;
    const pseudo = pseudoOf(local, remote);
    const connection = new Connection(
      local,
      localPort,
      remote,
      remotePort,
      neighbour,
      portsIn,
      portsOut,
      pseudo,
      this.#pool,
      RENO,
    );
    const iss = initialSequence(this.#key, this.host.time, local, remote, portsOut);
    connection.iss =
      connection.sndUna =
      connection.sndNxt =
      connection.sndMax =
        iss;
    connection.sendBuffer.reset((iss + 1) | 0);
    connection.recover = iss;
    connection.receiveLimit = options.receiveLimit;
    connection.sendLimit = options.sendLimit;
    connection.rcvScale = scaleFor(options.receiveLimit);
    connection.tsOffset = connectionHash(this.#key, remote, local, portsOut);
    connection.heardAt = this.host.time.ms;
    connection.mss = 536;
    neighbour.users++;
    this.#table.add(connection);
    return connection;
  }

  #unlink(connection: Connection): void {
    if (connection.state === STATE.CLOSED) return;
    const { listener } = connection;
    if (connection.state === STATE.SYN_RECEIVED && listener !== null) {
      listener.halfOpen--;
      this.#halfOpen--;
      connection.listener = null;
    }
    connection.sendBuffer.clear();
    if (connection.user === null && connection.listener === null) connection.receiveBuffer.clear();
    this.#timeWait.delete(connection);
    connection.state = STATE.CLOSED;
    connection.neighbour.users--;
    disarmAll(this, connection);
    this.#table.remove(connection);
  }

  #choosePort(
    local: IpAddress,
    remote: IpAddress,
    remotePort: number,
    isFree: (port: number) => boolean,
  ): number {
    const { w3 } = remote;
    return this.#ports.choose(local.w3 ^ local.w0, w3 ^ remote.w0, remotePort, 6, isFree);
  }

  #isFree(address: IpAddress, port: number): boolean {
    const bound = this.#bound.get(port);
    return (bound === undefined || !bound.some((one) => one.overlaps(address))) &&
      !this.#hasConnection(port);
  }

  /** Whether a port that was named may be had: connections that linger on it hinder only who does not say `reuse`. */
  #mayBind(address: IpAddress, port: number, reuse: boolean): boolean {
    const bound = this.#bound.get(port) ?? [];
    if (bound.some((one) => one.overlaps(address))) return false;
    return reuse || !this.#hasConnection(port);
  }

  #hasConnection(port: number): boolean {
    for (const { localPort } of this) if (localPort === port) return true;
    return false;
  }
}
