/**
 * One host and one input: the input says what comes, what the user does and how time passes. Whatever it says, nothing is
 * thrown, invariants hold, and in the end nothing is left. A connection of somebody else, whose numbers no input can know,
 * goes on.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { accepted, PEER, PEER_MAC, TestHost, type TestPeer } from "../inetstack/_host.ts";
import {
  ADDRESSES,
  drawArp,
  drawDatagram,
  drawEnds,
  drawIcmp,
  drawIgmp,
  drawNeighbour6,
} from "./_messages.ts";
import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import { BufferHeap } from "../../libos/runtime/memory/heap.ts";
import { checkInvariants } from "../../libos/sim/invariants.ts";
import { checkSent } from "./_sent.ts";
import { checkText, Input, textAt } from "./_input.ts";
import type { Connection } from "../../libos/inetstack/tcp/connection.ts";
import { drawSegment, drawSyn } from "./_segments.ts";
import { type Ends, ethernetOf, Wire } from "./_wire.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { LinearMemory } from "../../libos/runtime/memory/linear_memory.ts";
import { Listener } from "../../libos/inetstack/tcp/listener.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";
import { STATE } from "../../libos/inetstack/tcp/state.ts";
import { UdpSocket } from "../../libos/inetstack/udp/socket.ts";

const HOUR = 3_600_000;
const MAC = [2, 0, 0, 0, 0, 1];
const PORTS = [5000, 5001, 4000, 0, 65_535];
const LISTENING = 81;
/** Connections of one input; an honest user has no reason to accept more at a time. */
const MOST_FLIGHT = 200_000;
/** Taken by one host after the other: it takes long to make. */
const linear = new LinearMemory();

/** Runs an input, and gives the number of frames that came. Throws if something is not as it has to be. */
export function runInput(bytes: Uint8Array): number {
  const session = new Session(bytes);
  while (!session.input.done) session.step();
  session.end();
  return session.frames;
}

class Session {
  readonly input: Input;
  frames = 0;
  readonly #heap: BufferHeap;
  readonly #host: TestHost;
  readonly #wire: Wire;
  readonly #bystander: TestPeer;
  readonly #sockets: UdpSocket[] = [];
  /** Connections, but for that of somebody else, and those that are over. */
  #connections: Connection[] = [];
  /** Those that the user has; of what is over, it may take what came. */
  readonly #owned: Connection[] = [];
  /** The packet that was sent last to a stranger, and can be quoted. */
  #quoted: Uint8Array<ArrayBuffer> = new Uint8Array(48);

  constructor(bytes: Uint8Array) {
    // Numbers of the host follow from all of the input, so that no input can be made to know them.
    const seed = bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5);
    const mac = "02:00:00:00:00:03";
    this.input = new Input(bytes);
    this.#wire = new Wire(this.input);
    linear.give(0, linear.memory.u8.length);
    this.#heap = new BufferHeap({ linear });
    this.#host = new TestHost({
      addresses: ["10.0.0.1/24", "fd00::1/64"],
      neighbours: { [PEER]: PEER_MAC, "10.0.0.3": mac, "fd00::3": mac },
      random: new SeededRandom(seed),
      heap: this.#heap,
    });
    const { stack } = this.#host;
    this.#bystander = accepted(this.#host, { sackOk: true });
    for (const [version, port] of [[4, 9], [6, 10]] as const) {
      const any = IpAddress.any(version);
      const listener = new Listener(any, LISTENING + version, 2, 20_000, 50_000);
      stack.tcp.bind(any, listener.port, false);
      stack.tcp.listen(listener);
      this.#host.listeners.push(listener);
      const socket = new UdpSocket(version);
      stack.udp.bind(socket, any, port);
      this.#sockets.push(socket);
    }
    stack.join(IpAddress.parse("239.1.1.1")!);
    stack.announce();
    this.#host.device.take();
  }

  /** One event. */
  step(): void {
    const { input } = this;
    switch (input.below(16)) {
      case 8:
        return this.#use();
      case 9:
        return this.#pass(input.pick([1, 40, 200, 1000, 60_000, 10 * input.byte(), HOUR]));
      case 10:
        return this.#send(this.#version(), 17, drawDatagram(input));
      case 11: {
        const version = this.#version();
        return this.#send(version, version === 4 ? 1 : 58, drawIcmp(input, version, this.#quoted));
      }
      case 12:
        return this.#take([ethernetOf(MAC, 0x0806, drawArp(input))]);
      case 13:
        if (input.below(4) === 1) return this.#send(4, 2, drawIgmp(input));
        return this.#send(6, 58, drawNeighbour6(input));
      case 14:
        return this.#sendRaw();
      case 15:
        return this.#open();
      case 7:
        return this.#knock();
      default:
        return this.#segment();
    }
  }

  /** Ends everything, and looks what is left. */
  end(): void {
    const { stack, told, device } = this.#host;
    assertEquals(this.#bystander.connection.state, STATE.ESTABLISHED, "the other connection");
    assert(!told.events.some((one) => one.startsWith("failed")), "the other connection failed");
    this.#bystander.send("P.", 1, 1, { text: "on" });
    assertEquals(this.#host.take(this.#bystander.connection), "on", "the other connection");
    for (const one of [...this.#owned, ...this.#connections]) {
      if (this.input.below(2) === 1) stack.tcp.abort(one);
      else stack.tcp.close(one);
    }
    for (const one of this.#host.listeners) stack.tcp.unlisten(one);
    for (const one of this.#sockets) stack.udp.close(one);
    stack.leave(IpAddress.parse("239.1.1.1")!);
    stack.tcp.abort(this.#bystander.connection);
    this.#pass(3 * HOUR);
    assertEquals(stack.tcp.size, 0, "connections left");
    assertEquals(stack.tcp.halfOpen, 0, "half-open connections left");
    assertEquals(stack.tcp.pool.bytes, 0, "text left");
    assertEquals(this.#heap.buffers, 0, "buffers left");
    assertEquals(stack.deadline(), Infinity, "timers left");
    assertEquals(device.take(), [], "frames left");
    for (const { users, state } of stack.interface.neighbours) {
      assert(users === (state === 5 ? 1 : 0) || users === 0, "users of a neighbour left");
    }
  }

  #version(): 4 | 6 {
    return this.input.below(2) === 0 ? 4 : 6;
  }

  /** A segment to one of the connections. */
  #segment(): void {
    const { input } = this;
    if (this.#connections.length === 0) return this.#knock();
    const connection = input.pick(this.#connections);
    const { local, remote, localPort, remotePort } = connection;
    const ports = [remotePort, localPort] as const;
    const segment = drawSegment(input, connection, ports, this.#host.now);
    this.#sendTo({ from: remote, to: local }, 6, segment);
  }

  /** A segment to no connection, or to somebody else's, whose numbers it does not know. */
  #knock(): void {
    const { input } = this;
    const version = this.#version();
    const port = input.pick([LISTENING + version, LISTENING + version, 80, 9, 0]);
    const [from, to] = ADDRESSES[version].slice(0, 3).reverse() as [
      IpAddress,
      IpAddress,
      IpAddress,
    ];
    const isOther = input.below(8) === 1;
    const ends = { from: isOther ? from : to, to: ADDRESSES[version][0]! };
    const ports = isOther ? [4000, 80] as const : [input.pick(PORTS), port] as const;
    this.#sendTo(ends, 6, drawSyn(input, ports));
  }

  #send(version: 4 | 6, protocol: number, payload: Uint8Array<ArrayBuffer>): void {
    this.#sendTo(drawEnds(this.input, version), protocol, payload);
  }

  #sendTo(ends: Ends, protocol: number, payload: Uint8Array<ArrayBuffer>): void {
    this.#take(this.#wire.frames(ends, protocol, payload));
  }

  /** Bytes that are nothing, behind the beginning of something. */
  #sendRaw(): void {
    const { input } = this;
    const type = input.pick([0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, input.short()]);
    this.#wire.tainted = true;
    this.#take([ethernetOf(MAC, type, Uint8Array.from(input.bytes(100)))]);
  }

  /** Frames come, and what they cause goes. */
  #take(frames: Uint8Array<ArrayBuffer>[]): void {
    const { device, stack } = this.#host;
    this.frames += frames.length;
    device.incoming.push(...frames);
    while (device.incoming.length > 0) stack.poll(this.#host.now);
    this.#check();
  }

  #pass(milliseconds: number): void {
    const host = this.#host;
    const end = host.now + milliseconds;
    for (let turn = 0; host.now < end; turn++) {
      assert(turn < 100_000, "time does not pass");
      host.now = Math.ceil(Math.max(host.now + 1, Math.min(host.stack.deadline(), end)));
      host.stack.poll(host.now);
      if (host.device.sent.length > 0) this.#check();
    }
    this.#check();
  }

  /** What is sent is right, and what is kept is bounded. */
  #check(): void {
    const { stack, device } = this.#host;
    for (const frame of device.take()) {
      checkSent(frame);
      const isOthers = frame[12] === 8 && frame[33] === 2;
      if (!isOthers && frame[13] !== 6) this.#quoted = frame.subarray(14);
    }
    this.#connections = [];
    for (const one of stack.tcp) {
      checkInvariants(one);
      if (one !== this.#bystander.connection) this.#connections.push(one);
    }
    assert(this.#connections.length <= 40, `${this.#connections.length} connections`);
    assert(stack.interface.neighbours.size <= BOUNDS.NEIGHBOURS, "too many neighbours");
  }

  /** The user does something with a connection, or with a listener or socket. */
  #use(): void {
    const { input } = this;
    const { tcp } = this.#host.stack;
    const way = input.below(8);
    for (const listener of this.#host.listeners) {
      const one = listener.accept();
      if (one !== null) this.#own(one);
    }
    for (const socket of this.#sockets) socket.clear(this.#heap);
    const connection = this.#connections.length > 0 ? input.pick(this.#connections) : null;
    if (connection === null || connection.user === null) return;
    // As the queues do: before it is connected, it can only be given up.
    if (connection.state < STATE.ESTABLISHED) tcp.close(connection);
    else if (way < 3) this.#push(connection);
    else if (way < 5) this.#pop(connection);
    else if (way === 5) tcp.shutdown(connection);
    else if (way === 6) tcp.close(connection);
    else tcp.abort(connection);
    this.#host.stack.flush();
    this.#check();
  }

  #own(connection: Connection): void {
    connection.user = new Silent();
    this.#owned.push(connection);
  }

  #push(connection: Connection): void {
    const { tcp } = this.#host.stack;
    const { sendBuffer, finQueued } = connection;
    const length = this.input.pick([1, 100, 1460, 5000, 20_000, this.input.short()]);
    if (finQueued || length === 0 || connection.inFlight > MOST_FLIGHT) return;
    if (((tcp.pushLimit(connection) - sendBuffer.end) | 0) < length) return;
    const sga = this.#heap.alloc(length);
    sga.bytes().set(textAt(sendBuffer.end, length));
    sga.move();
    tcp.push(connection, sga);
  }

  /** Takes what came. */
  #pop(connection: Connection): void {
    const { tcp } = this.#host.stack;
    const size = this.input.pick([0, 0, 1, 100]);
    const { available } = connection.receiveBuffer;
    const sga = tcp.take(connection, size);
    if (sga === null) return;
    const end = connection.rcvNxt - (connection.finReceived ? 1 : 0);
    const bytes = sga.bytes();
    if (!this.#wire.tainted) checkText(bytes, (end - available) | 0, "received text");
    sga.free();
  }

  /** The user connects, or sends a datagram. */
  #open(): void {
    const { input } = this;
    const { stack } = this.#host;
    const version = this.#version();
    const to = input.pick(ADDRESSES[version]);
    if (input.below(4) === 1) {
      const sga = this.#heap.alloc(input.pick([10, 0, 1472, 5000]));
      sga.bytes().fill(7);
      stack.udp.send(this.#sockets[version === 4 ? 0 : 1]!, sga, to, input.pick([7, 9, 10, 0]));
      sga.free();
    } else if (this.#connections.length < 16) {
      const [localPort, remotePort] = [input.pick([0, 5000, 5001]), input.pick([80, 5000, 7])];
      const options = { receiveLimit: 20_000, sendLimit: 50_000 };
      const one = stack.tcp.connect(null, localPort, to, remotePort, new Silent(), options);
      if (typeof one !== "number") this.#own(one);
    }
    stack.flush();
    this.#check();
  }
}

/** A user who is told and does nothing of itself. */
class Silent {
  connected(): void {}
  readable(): void {}
  writable(): void {}
  failed(): void {}
}
