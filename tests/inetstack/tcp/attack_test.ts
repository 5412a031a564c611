/**
 * Strangers and peers who mean no good: floods of SYNs (RFC 4987), blind segments and messages (RFC 5961, RFC 5927), peers that
 * acknowledge what they did not get, or never take anything (RFC 6429).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  accepted,
  connected,
  frameOf,
  HOST,
  stateOf,
  tcpOf,
  TestHost,
  TestPeer,
} from "../_host.ts";
import { BOUNDS } from "../../../libos/inetstack/bounds.ts";
import { Errno } from "../../../libos/error.ts";
import { icmpTooBig } from "../_icmp.ts";

const KB = "x".repeat(1000);

/** A host whose listener holds as many half-open connections as it may. */
function flooded(backlog = 4) {
  const host = new TestHost();
  const listener = host.listen(backlog);
  for (let port = 1; port <= backlog; port++) {
    host.segments({ flags: "S", seq: 100, mss: 1460, ports: [port, 80] });
  }
  return { host, listener };
}

Deno.test("a flood of SYNs takes no memory, and who answers its cookie gets in (RFC 4987)", () => {
  const { host, listener } = flooded();
  const connections = host.stack.tcp.size;
  for (let i = 0; i < 1000; i++) {
    const [answer] = host.segments({ flags: "S", seq: i, mss: 1460, ports: [5000 + i, 80] });
    assertEquals([answer!.flags, answer!.ack], ["S.", i + 1]);
  }
  assertEquals(host.stack.tcp.size, connections);
  const [answer] = host.segments({ flags: "S", seq: 700, mss: 1400, ports: [4000, 80] });
  const ack = (answer!.seq + 1) | 0;
  host.segments({ flags: "P.", seq: 701, ack, text: "in", ports: [4000, 80] });
  const connection = listener.accept()!;
  assertEquals([stateOf(connection), connection.remotePort, connection.mss], [
    "ESTABLISHED",
    4000,
    1400,
  ]);
  assertEquals(host.take(connection), "in");
  const peer = new TestPeer(host, connection, 700, [4000, 80]);
  host.push(connection, "out");
  assertEquals(peer.sent(), ["P. 1:4 3"]);
});

Deno.test("a cookie keeps the options of the SYN in its timestamp", () => {
  const { host, listener } = flooded();
  const syn = { flags: "SEW", seq: 700, mss: 1460, scale: 9, sackOk: true };
  const ports = [4000, 80] as const;
  const [answer] = host.segments({ ...syn, timestamps: [77, 0], ports });
  assertEquals([answer!.flags, answer!.sackOk, answer!.scale! >= 7], ["S.E", true, true]);
  const stamps = [78, answer!.timestamps![0]] as const;
  const ack = (answer!.seq + 1) | 0;
  host.segments({ flags: ".", seq: 701, ack, timestamps: stamps, window: 100, ports });
  const connection = listener.accept()!;
  assertEquals([connection.sndScale, connection.sackPermitted, connection.ecn], [9, true, true]);
  assertEquals([connection.timestamps, connection.tsRecent, connection.sndWnd], [
    true,
    78,
    100 << 9,
  ]);
  // Without timestamps there is no room for them, and none is offered.
  const [plain] = host.segments({ ...syn, flags: "S", ports: [4001, 80] });
  assertEquals([plain!.sackOk, plain!.scale, plain!.mss], [undefined, undefined, 1460]);
});

Deno.test("a SYN that says it is from the listener itself is dropped", () => {
  const host = new TestHost();
  const listener = host.listen();
  const syn = tcpOf({ flags: "S", seq: 1, mss: 1460, ports: [80, 80] }, HOST);
  assertEquals(host.frames(frameOf(6, syn, { source: HOST })), []);
  assertEquals([host.stack.tcp.size, listener.halfOpen], [0, 0]);
});

Deno.test("cookies that nobody gave, or long ago, are reset", () => {
  const { host, listener } = flooded();
  const [answer] = host.segments({ flags: "S", seq: 700, mss: 1460, ports: [4000, 80] });
  const wrong = [
    { seq: 701, ack: answer!.seq + 2 },
    { seq: 702, ack: answer!.seq + 1 },
    { seq: 701, ack: answer!.seq + 1 + (1 << 24) },
  ];
  for (const { seq, ack } of wrong) {
    const [reset] = host.segments({ flags: ".", seq, ack: ack | 0, ports: [4000, 80] });
    assertEquals(reset!.flags, "R");
  }
  host.now += 200_000;
  const ack = (answer!.seq + 1) | 0;
  const [late] = host.segments({ flags: ".", seq: 701, ack, ports: [4000, 80] });
  assertEquals(late!.flags, "R");
  assertEquals(listener.accept(), null);
});

Deno.test("only a reset with the very next number resets; others are challenged (RFC 5961, section 3)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  for (const seq of [0, 65_536 + 1, -5, 200_000]) assertEquals(peer.send("R", seq, 0), []);
  for (const seq of [2, 100, 65_535]) assertEquals(peer.send("R", seq, 0), [". 1:1 1"]);
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
  peer.send("R", 1, 0);
  assertEquals(host.told.events, [`failed ${Errno.ECONNRESET}`]);
});

Deno.test("a connection sends ten challenge ACKs in five seconds, whatever the others do (RFC 5961, section 7)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  let sent = 0;
  for (let i = 0; i < 1000; i++) sent += peer.send("S", 5, 0).length;
  assertEquals(sent, BOUNDS.CHALLENGE_ACKS);
  host.now += BOUNDS.CHALLENGE_PERIOD;
  assertEquals(peer.send("S", 5, 0).length, 1);
});

Deno.test("an ACK of what was never sent, or too long ago, is not looked at (RFC 5961, section 5)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, KB);
  peer.sent();
  const { cwnd } = peer.connection;
  assertEquals(peer.send("P.", 1, 5000, { text: "blind" }), [". 1001:1001 1"]);
  assertEquals(peer.send("P.", 1, 1 - 70_000, { text: "blind" }), [". 1001:1001 1"]);
  // Nor does who acknowledges ahead get more sent.
  assertEquals([host.take(peer.connection), peer.connection.cwnd], ["", cwnd]);
});

Deno.test("acknowledgments in small pieces do not make the window grow faster (RFC 3465)", () => {
  const [whole, pieces] = [1, 100].map((count) => {
    const host = new TestHost();
    const peer = accepted(host);
    host.push(peer.connection, KB.repeat(40));
    peer.sent();
    for (let i = 1; i <= count; i++) peer.send(".", 1, 1 + 1000 * i / count);
    return peer.connection.cwnd;
  });
  assertEquals(pieces, whole);
});

Deno.test("a reset in TIME-WAIT does not end it (RFC 1337)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.shutdown(peer.connection);
  peer.sent();
  peer.send("F.", 1, 2);
  assertEquals(stateOf(peer.connection), "TIME-WAIT");
  peer.send("R", 2, 2);
  assertEquals(stateOf(peer.connection), "TIME-WAIT");
});

Deno.test("a peer that keeps its window closed is given up after the user timeout (RFC 6429, RFC 5482)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.userTimeout = 30_000;
  peer.send(".", 1, 1, { window: 0 });
  host.push(connection, "waits");
  for (let i = 0; i < 300 && host.told.events.length === 0; i++) {
    host.pass(200);
    // Each probe is answered.
    if (host.told.events.length === 0) peer.send(".", 1, 1, { window: 0 });
  }
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
  assert(host.now < 1000 + 32_000, `${host.now}`);
});

Deno.test("a peer that keeps its window closed is given up two minutes after close(), and nothing is held (RFC 6429)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  peer.send(".", 1, 1, { window: 0 });
  host.push(connection, "waits");
  const answerFor = (milliseconds: number) => {
    for (const end = host.now + milliseconds; host.now < end && host.stack.tcp.size > 0;) {
      if (host.pass(200).length > 0) peer.send(".", 1, 1, { window: 0 });
    }
  };
  // As long as somebody is there to abort it, it may last.
  answerFor(600_000);
  host.stack.tcp.close(connection);
  answerFor(110_000);
  assertEquals([stateOf(connection), host.heap.buffers], ["FIN-WAIT-1", 1]);
  answerFor(80_000);
  assertEquals([stateOf(connection), host.heap.buffers], ["CLOSED", 0]);
});

Deno.test("what is not acknowledged for the user timeout fails (RFC 5482), and progress begins it anew", () => {
  const host = new TestHost();
  const peer = accepted(host);
  peer.connection.userTimeout = 5000;
  host.push(peer.connection, "one");
  host.pass(4000);
  peer.send(".", 1, 4);
  host.push(peer.connection, "two");
  host.pass(4000);
  assertEquals(host.told.events, []);
  host.pass(1100);
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
});

Deno.test("who says that packets are too big is believed when they do not arrive any more (RFC 5927, section 7)", () => {
  const host = new TestHost();
  const peer = accepted(host, { mss: 1460, sackOk: true });
  const { connection } = peer;
  host.push(connection, "x".repeat(1460));
  const [frame] = host.device.take();
  host.frames(icmpTooBig(frame!, 600));
  assertEquals(connection.mss, 560, "nothing had arrived");
  const other = new TestHost();
  const second = accepted(other, { mss: 1460, sackOk: true });
  other.push(second.connection, "x".repeat(1460));
  other.device.take();
  second.send(".", 1, 1461);
  other.push(second.connection, "x".repeat(1460));
  const [later] = other.device.take();
  other.frames(icmpTooBig(later!, 600));
  assertEquals(second.connection.mss, 1460);
  assertEquals(second.pass(250), [". 1461:2021 1 at 200"]);
  assertEquals(second.connection.mss, 560);
});

Deno.test("where large segments vanish without a word, smaller ones are tried (RFC 4821)", () => {
  for (const sackOk of [true, false]) {
    const host = new TestHost();
    const peer = accepted(host, { mss: 1460, sackOk });
    host.push(peer.connection, "x".repeat(2920));
    peer.sent();
    const sizes = host.pass(12_000).map(({ text }) => text!.length);
    assertEquals([sizes.includes(1460), sizes.includes(1240), sizes.at(-1)], [true, true, 512]);
    assertEquals(peer.connection.mss, 512);
  }
});

Deno.test("when memory is short, what came out of order goes first, then nobody new is let in", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { tcp } = host.stack;
  tcp.pool.bytes += BOUNDS.TCP_MEMORY / 2 + 1;
  peer.send("P.", 1001, 1, { text: KB });
  assertEquals(peer.connection.receiveBuffer.outOfOrder, 0);
  peer.send("P.", 1, 1, { text: KB });
  assertEquals(host.take(peer.connection), KB);
  tcp.pool.bytes += BOUNDS.TCP_MEMORY / 2;
  assertEquals(host.segments({ flags: "S", seq: 5, ports: [4444, 80] }), []);
  // Who holds something is not offered more; who takes what comes goes on.
  peer.send("P.", 1001, 1, { text: KB });
  const { rcvAdv } = peer.connection;
  peer.send("P.", 2001, 1, { text: KB });
  assertEquals(peer.connection.rcvAdv, rcvAdv);
  host.take(peer.connection);
  for (let seq = 3001; seq < 200_000; seq += 1000) {
    peer.send("P.", seq, 1, { text: KB });
    assertEquals(host.take(peer.connection), KB);
    host.pass(1);
  }
});

Deno.test("100 000 blind segments and messages neither end nor stop a connection (RFC 5961, RFC 5927)", () => {
  const host = new TestHost();
  const peer = connected(host, { sackOk: true });
  const { connection } = peer;
  let seed = 1;
  const random = () => (seed = Math.imul(seed, 1_103_515_245) + 12_345 | 0) >>> 1;
  const flags = ["R", "R.", "S", "S.", "F.", ".", "P."];
  host.push(connection, KB);
  const [frame] = host.device.take();
  let received = "";
  let seq = 1;
  for (let i = 0; i < 100_000; i++) {
    if (i % 100 === 0) host.now++;
    if (i % 3 === 0) {
      // Its ports are known, and its numbers are not.
      const quoted = frame!.slice();
      new DataView(quoted.buffer).setUint32(38, random() << 1);
      host.frames(icmpTooBig(quoted, 68 + random() % 1400, i % 2 === 0 ? 4 : 3));
    } else {
      peer.send(flags[random() % 7]!, random() << 1, random() << 1, { text: i & 1 ? "evil" : "" });
    }
    if (i % 20_000 === 0) {
      peer.send("P.", seq, 1, { text: "good" });
      received += host.take(connection);
      seq += 4;
    }
  }
  assertEquals([stateOf(connection), received], ["ESTABLISHED", "good".repeat(5)]);
  assertEquals([connection.mss, host.told.events.includes("failed")], [1000, false]);
  assertEquals(peer.send(".", seq, 1001).length, 0);
  assertEquals(connection.sndUna, connection.sndMax);
});
