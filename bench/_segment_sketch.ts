/**
 * The least that a segment of TCP costs in TypeScript: one function receives (header, both checksums, connection, update), one
 * answers (header from a template, copy, checksums), over typed arrays alone. Nothing can be lost, closed or late. It is
 * what the stack is measured against.
 *
 * @module
 */
import { frameOf, tcpOf } from "../tests/inetstack/_host.ts";

/** Frames that are received, each at 2 mod 4 of its place. */
const FRAMES = 512;
const FRAME_SIZE = 2048;
/** Where frames are sent from. */
const OUT = FRAMES * FRAME_SIZE;
const TEMPLATES = OUT + FRAME_SIZE;
const HEADER = 66;
const CONNECTIONS = 16_384;
const ROWS = 1 << 15;
const OWN = swap32(0x0a000001);
const PORT = 9001;

const buffer = new ArrayBuffer(TEMPLATES + CONNECTIONS * 72);
const u8 = new Uint8Array(buffer);
const u16 = new Uint16Array(buffer);
const i32 = new Int32Array(buffer);
const rcvNxt = new Int32Array(CONNECTIONS);
const sndNxt = new Int32Array(CONNECTIONS);
const sndUna = new Int32Array(CONNECTIONS);
const tsRecent = new Int32Array(CONNECTIONS);
const window = new Int32Array(CONNECTIONS);
const pseudo = new Int32Array(CONNECTIONS);
const keys = new Int32Array(2 * ROWS);
const rows = new Int32Array(ROWS).fill(-1);
let payload = 0;
let identification = 0;

function swap16(word: number): number {
  return (word & 0xff) << 8 | word >>> 8;
}

function swap32(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24;
}

function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

function sum16(at: number, length: number): number {
  let sum = 0;
  const end = (at + length) >> 1;
  for (let i = at >> 1; i < end; i++) sum += u16[i]!;
  return length & 1 ? sum + u8[at + length - 1]! : sum;
}

function sum32(at: number, length: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const end = (at + (length & ~15)) >> 2;
  for (let i = at >> 2; i < end; i += 4) {
    const w = i32[i]!;
    const x = i32[i + 1]!;
    const y = i32[i + 2]!;
    const z = i32[i + 3]!;
    a += (w & 0xffff) + (w >>> 16);
    b += (x & 0xffff) + (x >>> 16);
    c += (y & 0xffff) + (y >>> 16);
    d += (z & 0xffff) + (z >>> 16);
  }
  return a + b + c + d + sum16(at + (length & ~15), length & 15);
}

function row(address: number, ports: number): number {
  return Math.imul(address ^ Math.imul(ports, 0x9e3779b1), 0x85ebca6b) >>> 17;
}

function find(address: number, ports: number): number {
  for (let i = row(address, ports);; i = (i + 1) & (ROWS - 1)) {
    if (rows[i]! < 0) return -1;
    if (keys[2 * i] === address && keys[2 * i + 1] === ports) return rows[i]!;
  }
}

/** Receives a frame; gives its connection, -1 for none. */
function receive(frame: number): number {
  const ip = frame + 14;
  const word = ip >> 2;
  const first = i32[word]!;
  if (u16[(frame + 12) >> 1] !== 0x0008 || (first & 0xff) !== 0x45) return -1;
  if (fold(sum16(ip, 20)) !== 0xffff || i32[word + 4] !== OWN || u8[ip + 9] !== 6) return -1;
  const tcp = ip + 20;
  const t = tcp >> 2;
  const length = swap16(first >>> 16) - 20;
  const c = find(i32[word + 3]!, i32[t]!);
  if (c < 0) return -1;
  if (fold(sum32(tcp, length) + pseudo[c]! + swap16(length)) !== 0xffff) return -1;
  const fourth = i32[t + 3]!;
  if ((fourth & 0xf7ff) !== 0x1080 || i32[t + 5] !== 0x0a080101) return -1;
  const seq = swap32(i32[t + 1]!);
  const stamp = swap32(i32[t + 6]!);
  if (seq !== rcvNxt[c] || ((stamp - tsRecent[c]!) | 0) < 0) return -1;
  tsRecent[c] = stamp;
  const ack = swap32(i32[t + 2]!);
  if (((ack - sndUna[c]!) | 0) > 0 && ((ack - sndNxt[c]!) | 0) <= 0) sndUna[c] = ack;
  window[c] = swap16(fourth >>> 16) << 7;
  payload = tcp + 32;
  rcvNxt[c] = (seq + length - 32) | 0;
  return c;
}

/** Sends bytes on a connection. */
function send(c: number, frame: number, at: number, length: number, now: number): void {
  const template = (TEMPLATES + c * 72 + 2) >> 1;
  for (let i = 0; i < HEADER / 2; i++) u16[(frame >> 1) + i] = u16[template + i]!;
  const ip = frame + 14;
  const tcp = ip + 20;
  const t = tcp >> 2;
  const size = 32 + length;
  i32[ip >> 2] = 0x45 | swap16(20 + size) << 16;
  u16[(ip + 4) >> 1] = identification++;
  u16[(ip + 10) >> 1] = 0;
  u16[(ip + 10) >> 1] = ~fold(sum16(ip, 20));
  i32[t + 1] = swap32(sndNxt[c]!);
  i32[t + 2] = swap32(rcvNxt[c]!);
  i32[t + 6] = swap32(now);
  i32[t + 7] = swap32(tsRecent[c]!);
  if (length <= 128) {
    for (let i = 0; i < (length + 3) >> 2; i++) i32[((tcp + 32) >> 2) + i] = i32[(at >> 2) + i]!;
  } else u8.copyWithin(tcp + 32, at, at + length);
  u16[(tcp + 16) >> 1] = 0;
  u16[(tcp + 16) >> 1] = ~fold(sum32(tcp, size) + pseudo[c]! + swap16(size));
  sndNxt[c] = (sndNxt[c]! + length) | 0;
}

/** The frame that comes on a connection, with so many bytes of text. */
function frameOn(c: number, length: number): Uint8Array {
  const source = `10.8.1.${c & 255}`;
  const ports = [20_000 + (c >> 8), PORT] as const;
  const rest = { timestamps: [2, 0], ports, text: "x".repeat(length) } as const;
  const segment = tcpOf({ flags: ".", seq: 1000, ack: 5000, window: 512, ...rest }, source);
  return frameOf(6, segment, { source });
}

/** Makes connections, and gives what echoes a segment of so many bytes on each of them in turn. */
export function sketch(length: number, connections: number): () => void {
  rows.fill(-1);
  for (let c = 0; c < connections; c++) {
    const peer = swap32(0x0a080100 + (c & 255));
    const ports = swap16(20_000 + (c >> 8)) | swap16(PORT) << 16;
    let i = row(peer, ports);
    while (rows[i]! >= 0) i = (i + 1) & (ROWS - 1);
    keys[2 * i] = peer;
    keys[2 * i + 1] = ports;
    rows[i] = c;
    pseudo[c] = (peer & 0xffff) + (peer >>> 16) + (OWN & 0xffff) + (OWN >>> 16) + 0x0600;
    rcvNxt[c] = 1000;
    sndNxt[c] = sndUna[c] = 5000;
    tsRecent[c] = 1;
    u8.set(frameOn(c, 0), TEMPLATES + c * 72 + 2);
  }
  const frames = Math.min(connections, FRAMES);
  const step = Math.floor(connections / frames);
  for (let i = 0; i < frames; i++) u8.set(frameOn(i * step, length), i * FRAME_SIZE + 2);
  let next = 0;
  let now = 0;
  return () => {
    const c = receive(next * FRAME_SIZE + 2);
    next = next + 1 === frames ? 0 : next + 1;
    if (c < 0) throw new Error("the sketch dropped a segment");
    rcvNxt[c] = 1000;
    send(c, OUT + 2, payload, length, now++);
    sndNxt[c] = 5000;
  };
}
