/**
 * How connections begin (RFC 9293, section 3.5).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { accepted, connected, HOST, PEER, stateOf, TestHost } from "../_host.ts";
import { Errno } from "../../../libos/error.ts";
import { IpAddress } from "../../../libos/inetstack/ip_address.ts";

Deno.test("a listener answers a SYN, and the connection is made by the third segment", () => {
  const host = new TestHost();
  const listener = host.listen();
  const [answer] = host.segments({
    flags: "S",
    seq: 100,
    mss: 1400,
    scale: 7,
    sackOk: true,
    timestamps: [5, 0],
  });
  assertEquals(answer!.flags, "S.");
  assertEquals(answer!.ack, 101);
  assertEquals(answer!.mss, 1460);
  assertEquals(answer!.scale, 7);
  assertEquals(answer!.sackOk, true);
  assertEquals(answer!.timestamps![1], 5);
  // RFC 7323, section 2.2: the window of a SYN is not scaled.
  assertEquals(answer!.window, 65_535);
  assertEquals(listener.accept(), null);
  host.segments({ flags: ".", seq: 101, ack: answer!.seq + 1, timestamps: [6, 0] });
  const connection = listener.accept()!;
  assertEquals(stateOf(connection), "ESTABLISHED");
  assertEquals(connection.mss, 1400 - 12);
});

Deno.test("a SYN,ACK has no option that the SYN had not", () => {
  const host = new TestHost();
  host.listen();
  const [answer] = host.segments({ flags: "S", seq: 100 });
  assertEquals(
    { ...answer, seq: 0, ports: [], text: "" },
    { flags: "S.", seq: 0, ack: 101, window: 65_535, mss: 1460, ports: [], text: "" },
  );
  host.segments({ flags: ".", seq: 101, ack: answer!.seq + 1 });
  // RFC 9293, MUST-15: 536 bytes by default.
  for (const connection of host.stack.tcp) assertEquals(connection.mss, 536);
});

Deno.test("connect() sends a SYN and acknowledges the answer", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.sent();
  assertEquals(syn!.flags, "S");
  assertEquals(syn!.sackOk, true);
  assertEquals(stateOf(connection), "SYN-SENT");
  const [ack] = host.segments({
    flags: "S.",
    seq: 500,
    ack: syn!.seq + 1,
    mss: 1460,
    ports: [80, 4000],
  });
  assertEquals(ack!.flags, ".");
  assertEquals(ack!.ack, 501);
  assertEquals(stateOf(connection), "ESTABLISHED");
  assertEquals(host.told.events, ["connected"]);
});

Deno.test("connect() sends its SYN again, each time after twice as long, and gives up at last", () => {
  const host = new TestHost();
  const connection = host.connect();
  host.sent();
  const times = host.pass(200_000).map(({ flags, at }) => `${flags} ${at / 1000}`);
  assertEquals(times, ["S 1", "S 3", "S 7", "S 15", "S 31", "S 63"]);
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
  assertEquals(stateOf(connection), "CLOSED");
  assertEquals(host.stack.tcp.size, 0);
});

Deno.test("a reset that acknowledges the SYN refuses the connection; another does not", () => {
  const host = new TestHost();
  host.connect();
  const [syn] = host.sent();
  host.segments({ flags: "R", seq: 0, ports: [80, 4000] });
  host.segments({ flags: "R.", seq: 0, ack: syn!.seq, ports: [80, 4000] });
  host.segments({ flags: "R.", seq: 0, ack: syn!.seq + 2, ports: [80, 4000] });
  assertEquals(host.told.events, []);
  host.segments({ flags: "R.", seq: 0, ack: syn!.seq + 1, ports: [80, 4000] });
  assertEquals(host.told.events, [`failed ${Errno.ECONNREFUSED}`]);
});

Deno.test("an ACK of what was never sent is reset in SYN-SENT, and the connection goes on", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.sent();
  const [reset] = host.segments({ flags: ".", seq: 9, ack: syn!.seq + 5, ports: [80, 4000] });
  assertEquals([reset!.flags, reset!.seq], ["R", (syn!.seq + 5) | 0]);
  assertEquals(stateOf(connection), "SYN-SENT");
});

Deno.test("two SYNs that cross make one connection (figure 7)", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.sent();
  const [answer] = host.segments({ flags: "S", seq: 300, mss: 1460, ports: [80, 4000] });
  assertEquals([answer!.flags, answer!.seq, answer!.ack], ["S.", syn!.seq, 301]);
  assertEquals(stateOf(connection), "SYN-RECEIVED");
  host.segments({ flags: "S.", seq: 300, ack: syn!.seq + 1, ports: [80, 4000] });
  assertEquals(stateOf(connection), "ESTABLISHED");
  assertEquals(host.told.events, ["connected"]);
});

Deno.test("the window of the SYN,ACK is not scaled where two SYNs cross (RFC 7323, section 2.2)", () => {
  const host = new TestHost();
  const connection = host.connect();
  const [syn] = host.sent();
  const theirs = { seq: 300, mss: 1460, scale: 7, window: 64_000, ports: [80, 4000] as const };
  host.segments({ ...theirs, flags: "S" });
  host.segments({ ...theirs, flags: "S.", ack: syn!.seq + 1 });
  assertEquals(stateOf(connection), "ESTABLISHED");
  assertEquals([connection.sndWnd, connection.maxSndWnd], [64_000, 64_000]);
});

Deno.test("in SYN-RECEIVED the SYN that comes again is answered again", () => {
  const host = new TestHost();
  host.listen();
  const [first] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  const [second] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  assertEquals([second!.flags, second!.seq, second!.ack], ["S.", first!.seq, 101]);
});

Deno.test("a SYN,ACK is sent again, and forgotten at last", () => {
  const host = new TestHost();
  const listener = host.listen();
  host.segments({ flags: "S", seq: 100, mss: 1460 });
  const times = host.pass(200_000).map(({ flags, at }) => `${flags} ${at / 1000}`);
  assertEquals(times, ["S. 1", "S. 3", "S. 7", "S. 15", "S. 31"]);
  assertEquals(host.stack.tcp.size, 0);
  assert(listener.hasRoom);
});

Deno.test("in SYN-RECEIVED a wrong ACK is reset, and a reset ends it without a word", () => {
  const host = new TestHost();
  const listener = host.listen(1);
  const [answer] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  const [reset] = host.segments({ flags: ".", seq: 101, ack: answer!.seq + 2 });
  assertEquals([reset!.flags, reset!.seq], ["R", (answer!.seq + 2) | 0]);
  assert(!listener.hasRoom);
  assertEquals(host.segments({ flags: "R", seq: 101 }), []);
  assert(listener.hasRoom);
});

Deno.test("SYNs are dropped while as many wait to be accepted as may, and taken when there is room", () => {
  const host = new TestHost();
  const listener = host.listen(2);
  const syn = (port: number) =>
    host.segments({ flags: "S", seq: 100, mss: 1460, ports: [port, 80] as const });
  for (const port of [1, 2]) {
    const [answer] = syn(port);
    host.segments({ flags: ".", seq: 101, ack: answer!.seq + 1, ports: [port, 80] });
  }
  assertEquals(syn(3), []);
  assertEquals(host.stack.counters.tcpListenDrops, 1);
  assertEquals(listener.accept()!.remotePort, 1);
  assertEquals(syn(3)[0]!.flags, "S.");
});

Deno.test("text that comes with the ACK of a SYN,ACK is taken, as is that of a SYN,ACK", () => {
  const host = new TestHost();
  const listener = host.listen();
  const [answer] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  host.segments({ flags: "P.", seq: 101, ack: answer!.seq + 1, text: "hello" });
  assertEquals(host.take(listener.accept()!), "hello");

  const client = new TestHost();
  const connection = client.connect();
  const [syn] = client.sent();
  client.segments({ flags: "S.", seq: 7, ack: syn!.seq + 1, text: "early", ports: [80, 4000] });
  assertEquals(client.take(connection), "early");
});

Deno.test("what is to nobody's port is reset (section 3.10.7.1)", () => {
  const host = new TestHost();
  const ports = [4000, 81] as const;
  const answers = [
    host.segments({ flags: "S", seq: 100, ports }),
    host.segments({ flags: "S", seq: 100, text: "data", ports }),
    host.segments({ flags: ".", seq: 100, ack: 77, ports }),
    host.segments({ flags: "R", seq: 100, ports }),
  ].map((segments) => segments.map(({ flags, seq, ack }) => [flags, seq, ack]));
  assertEquals(answers, [
    [["R.", 0, 101]],
    [["R.", 0, 105]],
    [["R", 77, undefined]],
    [],
  ]);
});

Deno.test("a connection without timestamps in the SYN has none later, and unknown options are skipped", () => {
  const host = new TestHost();
  const peer = accepted(host, { mss: 1460 });
  host.push(peer.connection, "x");
  const [segment] = host.sent();
  assertEquals(segment!.timestamps, undefined);
  assertEquals(peer.connection.mss, 1460);
});

Deno.test("the initial numbers and ports of two connections tell nothing of each other", () => {
  const host = new TestHost();
  const address = IpAddress.parse(PEER)!;
  const limits = { receiveLimit: 65_535, sendLimit: 65_535 };
  const make = (port: number) => host.stack.tcp.connect(null, 0, address, port, host.told, limits);
  const made = [make(80), make(81), make(82)].filter((one) => typeof one !== "number");
  assertEquals(new Set(made.map(({ localPort }) => localPort)).size, 3);
  const distances = made.slice(1).map(({ iss }, i) => Math.abs((iss - made[i]!.iss) | 0));
  assert(distances.every((distance) => distance > 1000), `${distances}`);
});

Deno.test("connect() to the own address makes both ends here", () => {
  const host = new TestHost();
  const listener = host.listen();
  const made = host.stack.tcp.connect(null, 0, IpAddress.parse(HOST)!, 80, host.told, {
    receiveLimit: 65_535,
    sendLimit: 65_535,
  });
  for (let i = 0; i < 4; i++) host.stack.poll(host.now);
  assertEquals(host.told.events, ["connected"]);
  assert(typeof made !== "number");
  host.push(made, "to myself");
  host.stack.poll(host.now);
  assertEquals(host.take(listener.accept()!), "to myself");
  assertEquals(host.device.take(), []);
});

Deno.test("a connection that another SYN would disturb is asked for first (RFC 5961, section 4)", () => {
  const host = new TestHost();
  const peer = connected(host);
  assertEquals(peer.send("S", 9, 0), [". 1:1 1"]);
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
});
