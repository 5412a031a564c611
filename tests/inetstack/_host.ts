/**
 * A host under test, and a peer that the test plays by hand: segment in, segment out, at times that the test gives.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { BufferHeap } from "../../libos/runtime/memory/heap.ts";
import type { Connection, ConnectionUser } from "../../libos/inetstack/tcp/connection.ts";
import { fold, Memory, sum, swap16 } from "../../libos/runtime/memory/memory.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { Listener } from "../../libos/inetstack/tcp/listener.ts";
import { ManualDevice } from "./_wire.ts";
import { pseudoSum } from "../../libos/inetstack/wire/ipv4.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";
import { Stack, type StackOptions } from "../../libos/inetstack/stack.ts";
import { STATE_NAMES } from "../../libos/inetstack/tcp/state.ts";

/** The address of the host, and of the peer. */
export const HOST = "10.0.0.1";
export const PEER = "10.0.0.2";
/** The Ethernet address of the peer. */
export const PEER_MAC = "02:00:00:00:00:02";

const FLAGS = "FSRP.UEW";

/** A segment, in or out. Numbers are absolute. */
export interface TestSegment {
  /** As in tcpdump: `S`, `S.`, `P.`, `F.`, `R`, … */
  flags: string;
  seq: number;
  ack?: number;
  window?: number;
  /** The text. */
  text?: string;
  mss?: number;
  scale?: number;
  sackOk?: boolean;
  timestamps?: readonly [number, number];
  sack?: readonly (readonly [number, number])[];
  ports?: readonly [number, number];
}

/** Lays out an IPv4 packet in an Ethernet frame to the host. */
export function frameOf(
  protocol: number,
  payload: Uint8Array,
  options: {
    source?: string;
    destination?: string;
    id?: number;
    fragment?: number;
    ipOptions?: number[];
    ttl?: number;
    mac?: number[];
    from?: number[];
  } = {},
): Uint8Array<ArrayBuffer> {
  const ipOptions = options.ipOptions ?? [];
  const header = 20 + ipOptions.length;
  const bytes = new Uint8Array(14 + header + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set(options.mac ?? [2, 0, 0, 0, 0, 1]);
  bytes.set(options.from ?? [2, 0, 0, 0, 0, 2], 6);
  view.setUint16(12, 0x0800);
  bytes[14] = 0x40 | header >> 2;
  view.setUint16(16, header + payload.length);
  view.setUint16(18, options.id ?? 1);
  view.setUint16(20, options.fragment ?? 0);
  bytes[22] = options.ttl ?? 64;
  bytes[23] = protocol;
  bytes.set(IpAddress.parse(options.source ?? PEER)!.bytes, 26);
  bytes.set(IpAddress.parse(options.destination ?? HOST)!.bytes, 30);
  bytes.set(ipOptions, 34);
  view.setUint16(24, checksum(bytes.subarray(14, 14 + header)));
  bytes.set(payload, 14 + header);
  return bytes;
}

/** The Internet checksum, by the book (RFC 1071, section 4.1). */
export function checksum(bytes: Uint8Array, before = 0): number {
  let total = before;
  for (let i = 0; i < bytes.length; i++) total += i & 1 ? bytes[i]! : bytes[i]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/** Lays out a UDP datagram in an Ethernet frame to the host. */
export function udpFrame(
  from: number,
  to: number,
  text: string,
  options: Parameters<typeof frameOf>[2] & { checksum?: number } = {},
): Uint8Array<ArrayBuffer> {
  return frameOf(17, udpOf(from, to, text, options), options);
}

/** A UDP datagram. */
export function udpOf(
  from: number,
  to: number,
  text: string,
  options: { source?: string; destination?: string; checksum?: number } = {},
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint16(4, bytes.length);
  bytes.set(new TextEncoder().encode(text), 8);
  const pseudo = pseudoOf(17, bytes.length, options.source, options.destination);
  view.setUint16(6, options.checksum ?? checksum(bytes, pseudo));
  return bytes;
}

function pseudoOf(protocol: number, length: number, source = PEER, destination = HOST): number {
  const addresses = [IpAddress.parse(source)!, IpAddress.parse(destination)!];
  const total = pseudoSum(addresses[0]!.w3, addresses[1]!.w3, protocol) + swap16(length);
  return swap16(fold(total));
}

/** Lays out a segment of the peer. */
export function tcpOf(segment: TestSegment, source: string): Uint8Array<ArrayBuffer> {
  const options: number[] = [];
  const word = (
    value: number,
  ) => [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
  if (segment.mss !== undefined) options.push(2, 4, segment.mss >> 8, segment.mss & 255);
  if (segment.scale !== undefined) options.push(1, 3, 3, segment.scale);
  if (segment.sackOk) options.push(1, 1, 4, 2);
  if (segment.timestamps !== undefined) {
    options.push(1, 1, 8, 10, ...word(segment.timestamps[0]), ...word(segment.timestamps[1]));
  }
  if (segment.sack !== undefined && segment.sack.length > 0) {
    options.push(1, 1, 5, 2 + 8 * segment.sack.length, ...segment.sack.flat().flatMap(word));
  }
  const text = new TextEncoder().encode(segment.text ?? "");
  const bytes = new Uint8Array(20 + options.length + text.length);
  const view = new DataView(bytes.buffer);
  const [from, to] = segment.ports ?? [4000, 80];
  view.setUint16(0, from);
  view.setUint16(2, to);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack ?? 0);
  bytes[12] = (20 + options.length) << 2;
  bytes[13] = [...segment.flags].reduce((bits, flag) => bits | 1 << FLAGS.indexOf(flag), 0);
  view.setUint16(14, segment.window ?? 65_535);
  bytes.set(options, 20);
  bytes.set(text, 20 + options.length);
  view.setUint16(16, checksum(bytes, pseudoOf(6, bytes.length, source)));
  return bytes;
}

/** Reads a segment that the host sent; undefined for what is none. Its checksums are checked. */
export function readSegment(frame: Uint8Array<ArrayBuffer>): TestSegment | undefined {
  const view = new DataView(frame.buffer);
  if (view.getUint16(12) !== 0x0800 || frame[23] !== 6) return undefined;
  const memory = new Memory(frame.slice(14).buffer);
  const total = view.getUint16(16);
  assertEquals(sum(memory, 0, 20), 0xffff, "checksum of IP");
  const size = total - 20;
  const words = memory.i32;
  const pseudo = pseudoSum(words[3]!, words[4]!, 6) + swap16(size);
  assertEquals(fold(pseudo + sum(memory, 20, size)), 0xffff, "checksum of TCP");
  const header = (frame[46]! >> 4) * 4;
  const segment: TestSegment = {
    flags: [...FLAGS].filter((_, i) => frame[47]! & 1 << i).join(""),
    seq: view.getUint32(38) | 0,
    window: view.getUint16(48),
    ports: [view.getUint16(34), view.getUint16(36)],
    text: new TextDecoder().decode(frame.subarray(34 + header, 14 + total)),
  };
  if (frame[47]! & 16) segment.ack = view.getUint32(42) | 0;
  for (let at = 54; at < 34 + header;) {
    const kind = frame[at]!;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    if (kind === 2) segment.mss = view.getUint16(at + 2);
    if (kind === 3) segment.scale = frame[at + 2]!;
    if (kind === 4) segment.sackOk = true;
    if (kind === 8) segment.timestamps = [view.getUint32(at + 2) | 0, view.getUint32(at + 6) | 0];
    if (kind === 5) {
      const blocks: [number, number][] = [];
      for (let i = at + 2; i < at + frame[at + 1]!; i += 8) {
        blocks.push([view.getUint32(i) | 0, view.getUint32(i + 4) | 0]);
      }
      segment.sack = blocks;
    }
    at += frame[at + 1]!;
  }
  return segment;
}

/** What the user of a connection was told, in words. */
export class Told implements ConnectionUser {
  readonly events: string[] = [];
  connected(): void {
    this.events.push("connected");
  }
  readable(): void {
    this.events.push("readable");
  }
  writable(): void {}
  failed(errno: number): void {
    this.events.push(`failed ${errno}`);
  }
}

/** See the module's description. */
export class TestHost {
  readonly device: ManualDevice;
  readonly heap: BufferHeap;
  readonly stack: Stack;
  readonly told = new Told();
  /** All that were made here. */
  readonly listeners: Listener[] = [];
  now = 1000;

  constructor(options: Partial<StackOptions> & { mtu?: number; aligned?: boolean } = {}) {
    this.device = new ManualDevice(1, options);
    this.heap = options.heap ?? new BufferHeap();
    this.stack = new Stack(this.device, {
      addresses: [`${HOST}/24`],
      neighbours: { [PEER]: PEER_MAC },
      random: new SeededRandom(1),
      heap: this.heap,
      ...options,
    });
    this.stack.poll(this.now);
  }

  /** Gives frames to the host, and gives the frames that it sends then. */
  frames(...frames: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
    this.device.incoming.push(...frames);
    this.stack.poll(this.now);
    return this.device.take();
  }

  /** Gives a segment of the peer to the host, and gives the segments that it sends then. */
  segments(...segments: TestSegment[]): TestSegment[] {
    const frames = segments.map((one) => frameOf(6, tcpOf(one, PEER)));
    return this.frames(...frames).map(readSegment).filter((one) => one !== undefined);
  }

  /** Lets time pass, a millisecond at a time; gives the segments that were sent, with the time since then. */
  pass(milliseconds: number): (TestSegment & { at: number })[] {
    const sent: (TestSegment & { at: number })[] = [];
    const begin = this.now;
    while (this.now < begin + milliseconds) {
      // Where nothing happens, nothing has to be asked.
      const next = Math.max(this.now + 1, Math.min(this.stack.deadline(), begin + milliseconds));
      this.now = Math.ceil(next);
      this.stack.poll(this.now);
      for (const frame of this.device.take()) {
        const segment = readSegment(frame);
        if (segment !== undefined) sent.push({ ...segment, at: this.now - begin });
      }
    }
    return sent;
  }

  /** What was sent outside of a poll. */
  sent(): TestSegment[] {
    return this.device.take().map(readSegment).filter((one) => one !== undefined);
  }

  /** Listens at port 80, or another one. */
  listen(backlog = 8, limits = {}): Listener {
    const address = IpAddress.parse(HOST)!;
    const { receiveLimit = 131_072, sendLimit = 262_144, port = 80 } = limits as Record<
      string,
      number
    >;
    this.stack.tcp.bind(address, port!, false);
    const listener = new Listener(address, port!, backlog, receiveLimit!, sendLimit!);
    this.stack.tcp.listen(listener);
    this.listeners.push(listener);
    return listener;
  }

  /** Connects to port 80 of the peer, from port 4000. */
  connect(limits: { receiveLimit?: number } = {}): Connection {
    const made = this.stack.tcp.connect(
      null,
      4000,
      IpAddress.parse(PEER)!,
      80,
      this.told,
      { receiveLimit: 131_072, sendLimit: 262_144, ...limits },
    );
    if (typeof made === "number") throw new Error(`connect failed with ${made}`);
    return made;
  }

  /** Pushes a text. */
  push(connection: Connection, text: string): void {
    const sga = this.heap.alloc(text.length);
    sga.bytes().set(new TextEncoder().encode(text));
    sga.move();
    this.stack.tcp.push(connection, sga);
    this.stack.flush();
  }

  /** Takes what came. */
  take(connection: Connection): string {
    let text = "";
    for (;;) {
      const sga = this.stack.tcp.take(connection, 0);
      if (sga === null) return text;
      text += new TextDecoder().decode(sga.bytes());
      sga.free();
    }
  }
}

/** The name of the state of a connection. */
export function stateOf(connection: Connection): string {
  return STATE_NAMES[connection.state]!;
}

/** The peer of a connection: its numbers, relative to both beginnings. */
export class TestPeer {
  readonly host: TestHost;
  readonly connection: Connection;
  /** The first number of the host, and of the peer. */
  readonly iss: number;
  readonly irs: number;
  readonly #ports: readonly [number, number];

  constructor(
    host: TestHost,
    connection: Connection,
    irs: number,
    ports: readonly [number, number],
  ) {
    this.host = host;
    this.connection = connection;
    this.iss = connection.iss;
    this.irs = irs;
    this.#ports = ports;
  }

  /** The peer sends a segment; gives what the host answers, as lines. */
  send(
    flags: string,
    seq: number,
    ack: number,
    rest: Omit<Partial<TestSegment>, "flags" | "seq" | "ack"> = {},
  ): string[] {
    return this.lines(this.host.segments(this.segment(flags, seq, ack, rest)));
  }

  /** A segment of the peer; blocks of selective acknowledgments are relative, too. */
  segment(
    flags: string,
    seq: number,
    ack: number,
    rest: Omit<Partial<TestSegment>, "flags" | "seq" | "ack"> = {},
  ): TestSegment {
    return {
      flags,
      seq: (this.irs + seq) | 0,
      ack: (this.iss + ack) | 0,
      ports: this.#ports,
      ...rest,
      ...(rest.sack === undefined
        ? {}
        : { sack: rest.sack.map(([from, to]) => [this.iss + from, this.iss + to] as const) }),
    };
  }

  /** Segments of the host, as `flags seq:end ack`, and the text's length if there is one. */
  lines(segments: readonly TestSegment[]): string[] {
    return segments.map((one) => {
      const seq = (one.seq - this.iss) | 0;
      const length = one.text?.length ?? 0;
      const ack = one.ack === undefined ? "" : ` ${(one.ack - this.irs) | 0}`;
      return `${one.flags} ${seq}:${seq + length}${ack}`;
    });
  }

  /** What the host sent outside of a poll. */
  sent(): string[] {
    return this.lines(this.host.sent());
  }

  /** What the host sends while time passes, each with its time. */
  pass(milliseconds: number): string[] {
    const segments = this.host.pass(milliseconds);
    return this.lines(segments).map((line, i) => `${line} at ${segments[i]!.at}`);
  }
}

/** Options of the handshakes below. */
export interface Handshake {
  mss?: number;
  scale?: number;
  sackOk?: boolean;
  window?: number;
  receiveLimit?: number;
}

/** A connection that the peer opened, and that is established; without timestamps, to keep the numbers plain. */
export function accepted(host: TestHost, options: Handshake = {}): TestPeer {
  const { mss = 1000, receiveLimit = 65_535, ...rest } = options;
  const listener = host.listen(8, { receiveLimit });
  const irs = 1_000_000;
  const [answer] = host.segments({ flags: "S", seq: irs, mss, ...rest });
  assertEquals(answer!.flags, "S.");
  const ack = (answer!.seq + 1) | 0;
  host.segments({ flags: ".", seq: irs + 1, ack, window: options.window ?? 65_535 });
  const connection = listener.accept()!;
  connection.user = host.told;
  return new TestPeer(host, connection, irs, [4000, 80]);
}

/** A connection that the host opened, and that is established. */
export function connected(host: TestHost, options: Handshake = {}): TestPeer {
  const { mss = 1000, receiveLimit = 65_535, ...rest } = options;
  const connection = host.connect({ receiveLimit });
  const [syn] = host.sent();
  const irs = 2_000_000;
  const ack = (syn!.seq + 1) | 0;
  host.segments({ flags: "S.", seq: irs, ack, mss, ports: [80, 4000], ...rest });
  return new TestPeer(host, connection, irs, [80, 4000]);
}
