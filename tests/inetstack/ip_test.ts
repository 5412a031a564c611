/**
 * IPv4 (RFC 791, RFC 1122), fragments, ICMP and UDP.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import { checksum, frameOf, HOST, PEER, TestHost, udpFrame, udpOf } from "./_host.ts";
import { DemikernelError, Errno } from "../../libos/error.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { UdpSocket } from "../../libos/inetstack/udp/socket.ts";

const ANY = IpAddress.any(4);

function udp(host: TestHost, port = 9, address = ANY): UdpSocket {
  const socket = new UdpSocket(4);
  assertEquals(host.stack.udp.bind(socket, address, port), 0);
  return socket;
}

/** Takes all texts that wait. */
function texts(host: TestHost, socket: UdpSocket): string[] {
  const all: string[] = [];
  for (let one = socket.take(); one !== null; one = socket.take()) {
    const sga = host.heap.wrap(one.chunk!, one.length);
    all.push(new TextDecoder().decode(sga.bytes()));
    sga.free();
  }
  return all;
}

function send(host: TestHost, socket: UdpSocket, size: number, to = PEER, port = 7): number {
  const sga = host.heap.alloc(size);
  sga.bytes().fill(65);
  const errno = host.stack.udp.send(socket, sga, IpAddress.parse(to)!, port);
  sga.free();
  host.stack.flush();
  return errno;
}

/** Type and code of an ICMP message in a frame. */
function icmp(frame: Uint8Array | undefined): number[] {
  return frame === undefined || frame[23] !== 1 ? [] : [...frame.slice(34, 36)];
}

Deno.test("options of IPv4 are skipped, and the padding of a short frame is cut off", () => {
  const host = new TestHost();
  const socket = udp(host);
  const frame = udpFrame(5, 9, "hi", { ipOptions: [1, 1, 1, 0] });
  const padded = new Uint8Array(60);
  padded.set(frame);
  host.frames(padded);
  assertEquals(texts(host, socket), ["hi"]);
});

Deno.test("wrong headers are dropped", () => {
  const host = new TestHost();
  const socket = udp(host);
  const frame = udpFrame(5, 9, "x");
  const broken = [
    (one: Uint8Array) => one[14] = 0x55,
    (one: Uint8Array) => one[14] = 0x44,
    (one: Uint8Array) => one[17] = 200,
    (one: Uint8Array) => one[17] = 10,
    (one: Uint8Array) => one[24]! ^= 1,
  ].map((breakIt) => {
    const copy = frame.slice();
    breakIt(copy);
    return copy;
  });
  host.frames(...broken, frame.subarray(0, 30));
  assertEquals(host.stack.counters.ipHeaderErrors, 6);
  host.frames(
    udpFrame(5, 9, "x", { source: "224.0.0.1" }),
    udpFrame(5, 9, "x", { source: "10.0.0.255" }),
  );
  host.frames(udpFrame(5, 9, "x", { source: "127.0.0.1" }));
  assertEquals(host.stack.counters.ipHeaderErrors, 9);
  host.frames(
    udpFrame(5, 9, "x", { destination: "10.0.0.7" }),
    udpFrame(5, 9, "x", { destination: "127.0.0.1" }),
  );
  assertEquals(host.stack.counters.ipAddressErrors, 2);
  assertEquals(texts(host, socket), []);
});

Deno.test("fragments are put together in any order, twice or not", () => {
  const host = new TestHost();
  const socket = udp(host);
  const text = "0123456789abcdefghijklmnopqrstuvwxyz";
  const whole = udpOf(5, 9, text);
  const piece = (from: number, to: number) =>
    frameOf(17, whole.subarray(from, to), {
      id: 77,
      fragment: from >> 3 | (to < whole.length ? 0x2000 : 0),
    });
  const pieces = [piece(32, 44), piece(0, 16), piece(0, 16), piece(16, 32)];
  host.frames(...pieces);
  assertEquals(texts(host, socket), [text]);
  assertEquals(host.stack.counters.reassembled, 1);
});

Deno.test("fragments that overlap are given up (RFC 5722), as are those that lie about their end", () => {
  const host = new TestHost();
  const socket = udp(host);
  const whole = udpOf(5, 9, "x".repeat(40));
  const piece = (id: number, from: number, to: number, more: boolean) =>
    frameOf(17, whole.subarray(from, to), { id, fragment: from >> 3 | (more ? 0x2000 : 0) });
  host.frames(piece(1, 0, 24, true), piece(1, 16, 48, false));
  host.frames(piece(2, 24, 48, false), piece(2, 0, 24, true).subarray(0, 30));
  host.frames(piece(3, 8, 32, false), piece(3, 32, 48, true));
  host.frames(piece(4, 0, 20, true));
  assertEquals(texts(host, socket), []);
  assert(host.stack.counters.reassemblyFailures >= 3);
});

Deno.test("fragments that nobody completes are dropped after a minute, and their sender is told", () => {
  const host = new TestHost();
  host.frames(
    frameOf(17, udpOf(5, 9, "x".repeat(100)).subarray(0, 64), { id: 5, fragment: 0x2000 }),
  );
  host.now += BOUNDS.FRAGMENT_LIFETIME + 1;
  assertEquals(icmp(host.frames()[0]), [11, 1]);
});

Deno.test("fragments are bounded in bytes and in datagrams", () => {
  const host = new TestHost();
  const first = new Uint8Array(1400);
  for (let id = 0; id < 3000; id++) {
    host.frames(frameOf(17, first, { id, fragment: 0x2000 }));
  }
  assert(host.stack.counters.reassemblyFailures >= 3000 - BOUNDS.FRAGMENT_DATAGRAMS);
});

Deno.test("an echo is answered with its text, however large; one to all is not", () => {
  const host = new TestHost();
  const echo = new Uint8Array(4000);
  echo.set([8, 0, 0, 0, 1, 2, 3, 4]);
  echo.fill(7, 8);
  new DataView(echo.buffer).setUint16(2, checksum(echo));
  const pieces = [0, 1480, 2960].map((at) =>
    frameOf(1, echo.subarray(at, at + 1480), { fragment: at >> 3 | (at < 2960 ? 0x2000 : 0) })
  );
  const answer = host.frames(...pieces);
  assertEquals(answer.length, 3);
  assertEquals(icmp(answer[0]), [0, 0]);
  const small = echo.slice(0, 16);
  new DataView(small.buffer).setUint16(2, 0);
  new DataView(small.buffer).setUint16(2, checksum(small));
  assertEquals([...host.frames(frameOf(1, small))[0]!.slice(38, 50)], [...small.slice(4)]);
  assertEquals(
    host.frames(
      frameOf(1, small, { destination: "10.0.0.255", mac: [255, 255, 255, 255, 255, 255] }),
    ),
    [],
  );
  small[9]! ^= 1;
  assertEquals(host.frames(frameOf(1, small)), []);
});

Deno.test("a datagram to nobody's port is answered with an ICMP error that quotes it, so many a second", () => {
  const host = new TestHost();
  const [answer] = host.frames(udpFrame(5, 9, "x"));
  assertEquals(icmp(answer), [3, 3]);
  assertEquals([...answer!.slice(42, 46)], [...udpFrame(5, 9, "x").slice(14, 18)]);
  let count = 0;
  for (let i = 0; i < 300; i++) count += host.frames(udpFrame(5, 9, "x")).length;
  assertEquals(count, BOUNDS.ICMP_ERRORS - 1);
  host.now += 1000;
  const toAll = { destination: "10.0.0.255", mac: [255, 255, 255, 255, 255, 255] };
  assertEquals(host.frames(udpFrame(5, 9, "x", toAll)), []);
  assertEquals(icmp(host.frames(frameOf(200, new Uint8Array(8)))[0]), [3, 2]);
});

Deno.test("UDP checksums: a wrong one is dropped, none is good, and zero is sent as its other form", () => {
  const host = new TestHost();
  const socket = udp(host);
  host.frames(udpFrame(5, 9, "none", { checksum: 0 }), udpFrame(5, 9, "bad", { checksum: 1 }));
  assertEquals(texts(host, socket), ["none"]);
  assertEquals(host.stack.counters.udpErrors, 1);
  // Of all texts of two bytes, one has the sum whose complement is zero.
  let zero = 0;
  for (let value = 0; value < 65_536; value++) {
    const sga = host.heap.alloc(2);
    sga.bytes().set([value >> 8, value]);
    host.stack.udp.send(socket, sga, IpAddress.parse(PEER)!, 7);
    sga.free();
    const [frame] = host.device.take();
    const sum = frame![40]! << 8 | frame![41]!;
    assert(sum !== 0);
    if (sum === 0xffff) zero++;
  }
  assertEquals(zero, 1);
});

Deno.test("a datagram of 64 KB goes in fragments, a larger one not at all", () => {
  const host = new TestHost();
  const socket = udp(host);
  assertEquals(send(host, socket, 65_507), 0);
  const frames = host.device.take();
  assertEquals(frames.length, 45);
  const words = frames.map((frame) => frame[20]! << 8 | frame[21]!);
  assertEquals(words.map((word) => (word & 0x1fff) * 8), frames.map((_, i) => i * 1480));
  assertEquals(words.map((word) => (word & 0x2000) !== 0), frames.map((_, i) => i < 44));
  assertEquals(send(host, socket, 65_508), Errno.EMSGSIZE);
  // And the other way round.
  const other = udp(host, 7);
  for (const frame of frames) {
    frame.set([2, 0, 0, 0, 0, 1]);
    frame.set(IpAddress.parse(HOST)!.bytes, 30);
    frame.set(IpAddress.parse(PEER)!.bytes, 26);
  }
  host.frames(...frames);
  assertEquals(texts(host, other).map((text) => text.length), [65_507]);
});

Deno.test("datagrams that nobody takes are bounded", () => {
  const host = new TestHost();
  const socket = udp(host);
  for (let i = 0; i < 2000; i++) host.frames(udpFrame(5, 9, ""));
  assertEquals(
    texts(host, socket).length,
    Math.floor(BOUNDS.DATAGRAM_BYTES / BOUNDS.DATAGRAM_OVERHEAD),
  );
});

Deno.test("the socket that says most about whom it is for gets the datagram", () => {
  const host = new TestHost();
  const [wild, own, connected] = [udp(host), new UdpSocket(4), new UdpSocket(4)];
  for (const socket of [wild, own, connected]) socket.reuse = true;
  assertEquals(host.stack.udp.bind(own, IpAddress.parse(HOST)!, 9), 0);
  assertEquals(host.stack.udp.bind(connected, IpAddress.parse(HOST)!, 9), 0);
  assertEquals(host.stack.udp.connect(connected, IpAddress.parse(PEER)!, 5), 0);
  host.frames(udpFrame(5, 9, "connected"), udpFrame(6, 9, "own"));
  assertEquals([wild, own, connected].map((socket) => texts(host, socket)), [[], ["own"], [
    "connected",
  ]]);
  const toAll = { destination: "10.0.0.255", mac: [255, 255, 255, 255, 255, 255] };
  host.frames(udpFrame(6, 9, "all", toAll));
  assertEquals(texts(host, wild), ["all"]);
});

Deno.test("a connected socket is told that nobody has the port, if the datagram was its own", () => {
  const host = new TestHost();
  const socket = udp(host);
  const errors: number[] = [];
  socket.user = { readable() {}, failed: (errno) => errors.push(errno) };
  host.stack.udp.connect(socket, IpAddress.parse(PEER)!, 7);
  send(host, socket, 4);
  const [sent] = host.device.take();
  const message = (frame: Uint8Array) => {
    const bytes = new Uint8Array(8 + 28);
    bytes.set([3, 3]);
    bytes.set(frame.slice(14, 42), 8);
    new DataView(bytes.buffer).setUint16(2, checksum(bytes));
    return frameOf(1, bytes);
  };
  const forged = sent!.slice();
  forged[37] = 8;
  host.frames(message(forged));
  assertEquals(errors, []);
  host.frames(message(sent!));
  assertEquals(errors, [Errno.ECONNREFUSED]);
});

Deno.test("what is not on the link goes to the router; without one there is no route", () => {
  const host = new TestHost({ gateways: [PEER] });
  const socket = udp(host);
  assertEquals(send(host, socket, 1, "192.0.2.1"), 0);
  const [frame] = host.device.take();
  assertEquals([frame![5], String(IpAddress.of(frame!.slice(30, 34)))], [2, "192.0.2.1"]);
  const lonely = new TestHost();
  assertEquals(send(lonely, udp(lonely), 1, "192.0.2.1"), Errno.ENETUNREACH);
});

Deno.test("the route of the longest prefix is taken", () => {
  const host = new TestHost({
    neighbours: { "10.0.0.3": "02:00:00:00:00:03", "10.0.0.4": "02:00:00:00:00:04" },
    gateways: ["10.0.0.3"],
    routes: [{ to: "192.0.2.0/24", via: "10.0.0.4" }],
  });
  const socket = udp(host);
  const through = (to: string) => {
    send(host, socket, 1, to);
    return host.device.take()[0]![5];
  };
  assertEquals([through("192.0.2.1"), through("192.0.3.1")], [4, 3]);
});

Deno.test("broadcast is for who is allowed to, and for this host too", () => {
  const host = new TestHost();
  const socket = udp(host);
  assertEquals(send(host, socket, 1, "10.0.0.255", 9), Errno.EACCES);
  socket.broadcast = true;
  assertEquals(send(host, socket, 1, "10.0.0.255", 9), 0);
  assertEquals([...host.device.take()[0]!.slice(0, 6)], [255, 255, 255, 255, 255, 255]);
  host.frames();
  assertEquals(texts(host, socket), ["A"]);
});

Deno.test("a group is joined with a report, heard while somebody is in it, and left with a message", () => {
  const host = new TestHost();
  const socket = udp(host);
  const group = IpAddress.parse("239.1.2.3")!;
  const mac = [1, 0, 0x5e, 1, 2, 3];
  const toGroup = udpFrame(5, 9, "to all", { destination: "239.1.2.3", mac });
  host.frames(toGroup);
  assertEquals(texts(host, socket), []);
  host.stack.join(group);
  const [report] = host.device.take();
  assertEquals([...report!.slice(0, 6)], mac);
  assertEquals([report![14], report![22], report![23], report![38]], [0x46, 1, 2, 0x16]);
  host.frames(toGroup);
  assertEquals(texts(host, socket), ["to all"]);
  host.device.take();
  host.pass(11_000);
  // A router asks, and is answered within the time that it gives.
  const query = Uint8Array.of(0x11, 10, 0, 0, 0, 0, 0, 0);
  new DataView(query.buffer).setUint16(2, checksum(query));
  host.frames(frameOf(2, query, { destination: "224.0.0.1", mac: [1, 0, 0x5e, 0, 0, 1], ttl: 1 }));
  const answers: Uint8Array[] = [];
  for (let i = 0; i < 1001; i++, host.now++) answers.push(...host.frames());
  assertEquals(answers.map((frame) => frame[38]), [0x16]);
  host.stack.leave(group);
  assertEquals(host.device.take().map((frame) => frame[38]), [0x17]);
  host.frames(toGroup);
  assertEquals(texts(host, socket), []);
});

Deno.test("an unaligned device works as an aligned one does", () => {
  const host = new TestHost({ aligned: false });
  const socket = udp(host);
  host.frames(udpFrame(5, 9, "hello"));
  assertEquals(texts(host, socket), ["hello"]);
  host.listen();
  const [answer] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  assertEquals(answer!.flags, "S.");
});

Deno.test("a host without an address, or with a wrong one, is refused in a sentence", () => {
  const wrong = [
    {},
    { addresses: [] },
    { addresses: ["10.0.0.1"] },
    { addresses: ["10.0.0.0/24"] },
    { addresses: ["10.0.0.255/24"] },
    { addresses: ["224.0.0.1/24"] },
    { addresses: ["10.0.0.1/24"], gateways: ["10.0.1.1"] },
    { addresses: ["10.0.0.1/24"], gateways: ["10.0.0.1"] },
    { addresses: ["10.0.0.1/24"], routes: [{ to: "x", via: "10.0.0.2" }] },
    { addresses: ["10.0.0.1/24"], neighbours: { "10.0.0.2": "x" } },
  ];
  for (const options of wrong.slice(1)) {
    assertThrows(() => new TestHost(options), DemikernelError, "Cannot configure stack");
  }
});

Deno.test("ICMP errors fail a connection that is being made, and are remembered by one that is", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.device.take();
  const error = (frame: Uint8Array, code: number, mtu = 0) => {
    const bytes = new Uint8Array(8 + 28);
    bytes.set([3, code]);
    new DataView(bytes.buffer).setUint16(6, mtu);
    bytes.set(frame.slice(14, 42), 8);
    new DataView(bytes.buffer).setUint16(2, checksum(bytes));
    return frameOf(1, bytes);
  };
  const blind = syn!.slice();
  blind[41]! ^= 0x55;
  host.frames(error(blind, 1));
  assertEquals(host.told.events, []);
  host.frames(error(syn!, 1));
  assertEquals(host.told.events, [`failed ${Errno.EHOSTUNREACH}`]);
  assertEquals(connection.error, Errno.EHOSTUNREACH);
});

Deno.test("a packet that was too big is sent again in smaller ones (RFC 1191)", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.sent();
  host.segments({ flags: "S.", seq: 9, ack: syn!.seq + 1, mss: 1460, ports: [80, 4000] });
  host.push(connection, "x".repeat(2000));
  const [frame] = host.device.take();
  const bytes = new Uint8Array(36);
  bytes.set([3, 4]);
  new DataView(bytes.buffer).setUint16(6, 1000);
  bytes.set(frame!.slice(14, 42), 8);
  new DataView(bytes.buffer).setUint16(2, checksum(bytes));
  const again = host.frames(frameOf(1, bytes));
  assertEquals(again.map((one) => one.length), [1014, 1014, 14 + 40 + 80]);
  assertEquals(connection.mss, 960);
  // No router has to be believed who tells of less than there can be.
  new DataView(bytes.buffer).setUint16(2, 0);
  new DataView(bytes.buffer).setUint16(6, 68);
  new DataView(bytes.buffer).setUint16(2, checksum(bytes));
  host.frames(frameOf(1, bytes));
  assertEquals(connection.mss, 552 - 40);
});
