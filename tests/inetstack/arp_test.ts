/**
 * ARP and neighbours (RFC 826, RFC 5227, and the states of RFC 4861).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Errno } from "../../libos/error.ts";
import { HOST, PEER, stateOf, TestHost, udpFrame } from "./_host.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { NEIGHBOUR } from "../../libos/inetstack/ethernet/neighbour.ts";

const BROADCAST = [255, 255, 255, 255, 255, 255];
const OTHER = [2, 0, 0, 0, 0, 9];

interface ArpFields {
  operation: 1 | 2;
  mac?: number[];
  sender: string;
  target: string;
  to?: number[];
}

function arpFrame({ operation, mac = OTHER, sender, target, to = BROADCAST }: ArpFields) {
  return Uint8Array.from([
    ...to,
    ...mac,
    8,
    6,
    0,
    1,
    8,
    0,
    6,
    4,
    0,
    operation,
    ...mac,
    ...IpAddress.parse(sender)!.bytes,
    0,
    0,
    0,
    0,
    0,
    0,
    ...IpAddress.parse(target)!.bytes,
  ]);
}

/** `who has`, `is at`, or nothing, for frames of ARP. */
function told(frames: readonly Uint8Array[]): string[] {
  return frames.filter((frame) => frame[12] === 8 && frame[13] === 6).map((frame) => {
    const sender = IpAddress.of(frame.slice(28, 32));
    const target = IpAddress.of(frame.slice(38, 42));
    const to = frame[0] === 255 ? "all" : String(frame[5]);
    return frame[21] === 1 ? `${sender} asks ${to} for ${target}` : `${sender} answers ${to}`;
  });
}

function bare(): TestHost {
  return new TestHost({ neighbours: {} });
}

Deno.test("a request for the own address is answered, and who asked is known then", () => {
  const host = bare();
  const frames = host.frames(arpFrame({ operation: 1, sender: "10.0.0.9", target: HOST }));
  assertEquals(told(frames), [`${HOST} answers 9`]);
  assertEquals([...frames[0]!.slice(22, 28)], [2, 0, 0, 0, 0, 1]);
  assertEquals(host.stack.interface.neighbours.size, 1);
  assertEquals(host.frames(arpFrame({ operation: 1, sender: "10.0.0.9", target: "10.0.0.7" })), []);
});

Deno.test("an address is asked for once, and packets wait for the answer", () => {
  const host = bare();
  host.connect();
  assertEquals(told(host.device.take()), [`${HOST} asks all for ${PEER}`]);
  const frames = host.frames(
    arpFrame({ operation: 2, sender: PEER, target: HOST, to: [2, 0, 0, 0, 0, 1] }),
  );
  assertEquals(frames.length, 1);
  assertEquals([...frames[0]!.slice(0, 6)], OTHER);
});

Deno.test("who does not answer three questions is unreachable, which a connect learns", () => {
  const host = bare();
  const connection = host.connect();
  const sent: string[] = [];
  for (let i = 0; i < 3500; i++, host.now++) {
    host.stack.poll(host.now);
    sent.push(...told(host.device.take()));
  }
  assertEquals(sent.length, 3);
  assertEquals(host.told.events, [`failed ${Errno.EHOSTUNREACH}`]);
  assertEquals(stateOf(connection), "CLOSED");
});

Deno.test("a neighbour that was silent is asked again while it is used, and forgotten if it does not answer", () => {
  const host = bare();
  host.frames(arpFrame({ operation: 1, sender: PEER, target: HOST }));
  host.connect();
  const sent: string[] = [];
  host.device.take();
  for (let i = 0; i < 20_000; i++, host.now++) {
    host.stack.poll(host.now);
    sent.push(...told(host.device.take()));
  }
  // Three questions to itself, then to all, since its card may be another one.
  assertEquals(sent.slice(0, 4), [
    ...new Array(3).fill(`${HOST} asks 9 for ${PEER}`),
    `${HOST} asks all for ${PEER}`,
  ]);
});

Deno.test("a neighbour is asked again, though it was there lately, when nobody behind it acknowledges", () => {
  const host = bare();
  host.connect();
  host.device.take();
  host.frames(arpFrame({ operation: 2, sender: PEER, target: HOST, to: [2, 0, 0, 0, 0, 1] }));
  const sent: string[] = [];
  for (let i = 0; i < 8000; i++, host.now++) {
    host.stack.poll(host.now);
    sent.push(...told(host.device.take()));
  }
  assertEquals(sent, [`${HOST} asks 9 for ${PEER}`]);
});

Deno.test("whoever announces another Ethernet address is believed, if it is known", () => {
  const host = bare();
  host.frames(arpFrame({ operation: 1, sender: PEER, target: HOST }));
  host.frames(arpFrame({ operation: 1, mac: [2, 0, 0, 0, 0, 7], sender: PEER, target: PEER }));
  host.connect();
  assertEquals([...host.device.take()[0]!.slice(0, 6)], [2, 0, 0, 0, 0, 7]);
  host.frames(arpFrame({ operation: 1, sender: "10.0.0.77", target: "10.0.0.77" }));
  assertEquals(host.stack.interface.neighbours.size, 1, "a stranger's announcement is not kept");
});

Deno.test("who claims the own address is noticed, and told once in ten seconds", () => {
  const host = bare();
  const claim = arpFrame({ operation: 1, sender: HOST, target: HOST });
  assertEquals(told(host.frames(claim)), [`${HOST} asks all for ${HOST}`]);
  assertEquals(host.frames(claim), []);
  host.now += 10_001;
  assertEquals(host.frames(claim).length, 1);
  assertEquals(host.stack.counters.addressConflicts, 3);
});

Deno.test("announce() tells the link of the own address", () => {
  const host = bare();
  host.stack.announce();
  assertEquals(told(host.device.take()), [`${HOST} asks all for ${HOST}`]);
});

Deno.test("a neighbour that was given is never asked for, and nobody changes it", () => {
  const host = new TestHost();
  host.frames(arpFrame({ operation: 2, sender: PEER, target: HOST }));
  host.connect();
  const [frame] = host.device.take();
  assertEquals([...frame!.slice(0, 6)], [2, 0, 0, 0, 0, 2]);
  host.pass(100_000);
  const [neighbour] = host.stack.interface.neighbours;
  assertEquals(neighbour!.state, NEIGHBOUR.PERMANENT);
});

Deno.test("there are never more neighbours than the bound", () => {
  const host = bare();
  for (let i = 0; i < 1500; i++) {
    const sender = `10.0.0.${2 + i % 250}`;
    host.frames(arpFrame({ operation: 1, mac: [2, 0, 0, 0, 1, 1], sender, target: HOST }));
  }
  assert(host.stack.interface.neighbours.size <= 250);
  for (let i = 0; i < 1500; i++) {
    const sender = `10.1.${i >> 8}.${i & 255}`;
    host.frames(arpFrame({ operation: 1, mac: [2, 0, 0, 0, 1, 1], sender, target: HOST }));
  }
  assertEquals(host.stack.interface.neighbours.size, 1024);
});

Deno.test("frames for others, tagged, cut short or malformed are dropped and counted", () => {
  const host = new TestHost();
  const { counters } = host.stack;
  host.frames(udpFrame(1, 2, "x", { mac: [2, 0, 0, 0, 0, 5] }));
  host.frames(new Uint8Array(5), new Uint8Array(14));
  assertEquals(counters.foreignFrames, 3);
  const tagged = udpFrame(1, 2, "x");
  tagged.set([0x81, 0], 12);
  host.frames(tagged);
  assertEquals(counters.taggedFrames, 1);
  const claim = arpFrame({ operation: 1, sender: "10.0.0.9", target: HOST });
  assertEquals(host.frames(claim.subarray(0, 40)), []);
  claim[14] = 9;
  assertEquals(host.frames(claim), []);
});
