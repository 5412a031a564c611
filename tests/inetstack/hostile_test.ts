/**
 * Frames of every kind that no honest host sends: nothing is thrown, nothing grows beyond its bound, and an established
 * connection goes on.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  accepted,
  checksum,
  frameOf,
  stateOf,
  TestHost,
  type TestPeer,
  udpFrame,
} from "./_host.ts";
import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";

const FRAMES = 20_000;

/** Frames that are right, to be made wrong. */
function seeds(peer: TestPeer): Uint8Array<ArrayBuffer>[] {
  const echo = Uint8Array.of(8, 0, 0, 0, 1, 2, 3, 4);
  new DataView(echo.buffer).setUint16(2, checksum(echo));
  const arp = new Uint8Array(42);
  arp.set([255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
  arp.set([2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1], 22);
  const six = new Uint8Array(14 + 40 + 32);
  six.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255]);
  six.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 22);
  six.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 38);
  six[54] = 135;
  return [
    udpFrame(5, 9, "hello"),
    udpFrame(5, 9, "x".repeat(500), { ipOptions: [7, 7, 4, 1, 2, 3, 4, 0] }),
    frameOf(17, new Uint8Array(64), { fragment: 0x2001, id: 9 }),
    frameOf(1, echo),
    frameOf(2, Uint8Array.of(0x11, 1, 0, 0, 0, 0, 0, 0)),
    arp,
    six,
    ...tcpFrames(peer),
  ];
}

/** Segments near the numbers of a connection, with options. */
function tcpFrames(peer: TestPeer): Uint8Array<ArrayBuffer>[] {
  return ["S", "S.", ".", "P.", "F.", "R", "R.", "", "FSRP.UEW"].map((flags, i) => {
    const bytes = new Uint8Array(60 + i);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 4000 + (i & 1));
    view.setUint16(2, 80);
    view.setUint32(4, peer.irs + 1 + 100_000 * (i - 4));
    view.setUint32(8, peer.iss + 1);
    bytes[12] = (20 + 4 * i) << 2;
    bytes[13] = [...flags].reduce((bits, flag) => bits | 1 << "FSRP.UEW".indexOf(flag), 0);
    view.setUint16(14, 1000);
    bytes.set([2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 5, 10], 20);
    return frameOf(6, bytes);
  });
}

/** Makes the checksums right, so that what is wrong is looked at. */
function repair(frame: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(frame.buffer);
  if (frame.length < 34 || view.getUint16(12) !== 0x0800) return;
  const header = (frame[14]! & 15) * 4;
  if (header < 20 || 14 + header > frame.length) return;
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 14 + header)));
  const at = 14 + header;
  const payload = frame.subarray(at);
  const place = ({ 6: 16, 17: 6, 1: 2, 2: 2 } as Record<number, number>)[frame[23]!];
  if (place === undefined || payload.length < place + 2) return;
  view.setUint16(at + place, 0);
  const pseudo = new Uint8Array(12);
  pseudo.set(frame.subarray(26, 34));
  pseudo[9] = frame[23]!;
  new DataView(pseudo.buffer).setUint16(10, view.getUint16(16) - header);
  const before = place === 2 ? 0 : 0xffff & ~checksum(pseudo);
  view.setUint16(at + place, checksum(payload, before));
}

function mutate(frame: Uint8Array<ArrayBuffer>, random: SeededRandom): Uint8Array<ArrayBuffer> {
  const length = random.chance(0.1) ? random.below(frame.length + 1) : frame.length;
  const copy = frame.slice(0, length);
  for (let i = random.below(6); i > 0 && length > 0; i--) {
    // Beyond the Ethernet header, or it would be for nobody.
    const at = length > 14 ? 14 + random.below(length - 14) : random.below(length);
    copy[at] = random.chance(0.5) ? random.below(256) : copy[at]! ^ 1 << random.below(8);
  }
  if (random.chance(0.8)) repair(copy);
  return copy;
}

Deno.test(`${FRAMES} hostile frames throw nothing, and nothing grows`, () => {
  const random = new SeededRandom(42);
  const host = new TestHost({ addresses: ["10.0.0.1/24", "fd00::1/64"] });
  const peer = accepted(host);
  const frames = seeds(peer);
  for (let i = 0; i < FRAMES; i++) {
    host.now += random.chance(0.1) ? 1 : 0;
    const noise = random.chance(0.05);
    const frame = noise
      ? Uint8Array.from({ length: random.below(200) }, () => random.below(256))
      : mutate(frames[random.below(frames.length)]!, random);
    if (noise && frame.length > 14) frame.set([2, 0, 0, 0, 0, 1], 0);
    host.frames(frame);
  }
  const { stack } = host;
  assert(stack.tcp.size <= 20, `${stack.tcp.size} connections`);
  assert(stack.interface.neighbours.size <= BOUNDS.NEIGHBOURS);
  assert(host.heap.bufferBytes < BOUNDS.RECEIVE_BUFFER + 100_000, `${host.heap.bufferBytes} bytes`);
  assert(stack.counters.tcpReceived > 1000 && stack.counters.ipReceived > 10_000);
});

Deno.test("who does not see a connection's traffic does not end it", () => {
  const random = new SeededRandom(7);
  const host = new TestHost();
  const peer = accepted(host);
  const flags = ["R", "R.", "S", "S.", "F.", ".", "P."];
  for (let i = 0; i < 5000; i++) {
    // The ports are known, the numbers are not: none of these is near them.
    const far = 0x100_0000 + (random.next() & 0x3fff_ffff);
    host.now += 1;
    peer.send(flags[random.below(flags.length)]!, far, far, {
      text: random.chance(0.5) ? "x" : "",
    });
  }
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
  assertEquals(host.told.events, []);
  peer.send("P.", 1, 1, { text: "still here" });
  assertEquals(host.take(peer.connection), "still here");
});
