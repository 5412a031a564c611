/**
 * How fast is sent: CUBIC (RFC 9438), HyStart++ (RFC 9406), marks of congestion (RFC 3168), pauses (RFC 5681, section 4.1), and
 * buffers that grow by themselves.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { accepted, connected, frameOf, PEER, tcpOf, TestHost, type TestPeer } from "../_host.ts";
import { BOUNDS } from "../../../libos/inetstack/bounds.ts";
import { CUBIC } from "../../../libos/inetstack/tcp/congestion/cubic.ts";
import { DemikernelError } from "../../../libos/error.ts";
import { RENO } from "../../../libos/inetstack/tcp/congestion/reno.ts";
import { simulate } from "../../../libos/sim/network.ts";

const KB = "x".repeat(1000);

/** The control bits of a frame, and its two bits of congestion. */
function marks(frame: Uint8Array): [number, number] {
  return [frame[47]! & 0xc0, frame[15]! & 3];
}

/** Marks a frame as a router would whose queue grows. */
function congested(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const ip = frame.slice(14);
  const marked = frameOf(6, ip.subarray(20));
  marked[15] = 3;
  const view = new DataView(marked.buffer);
  view.setUint16(24, view.getUint16(24) - 3);
  return marked;
}

Deno.test("congestion marks are agreed upon by those who ask for it, and by none else (RFC 3168, section 6.1.1)", () => {
  const plain = new TestHost();
  plain.connect();
  assertEquals(plain.sent()[0]!.flags, "S");
  const host = new TestHost({ ecn: true });
  const connection = host.connect();
  const [syn] = host.sent();
  assertEquals(syn!.flags, "SEW");
  host.segments({ flags: "S.E", seq: 9, ack: syn!.seq + 1, ports: [80, 4000] });
  assertEquals(connection.ecn, true);
  for (const flags of ["S.", "S.EW"]) {
    const other = new TestHost({ ecn: true });
    const refused = other.connect();
    const [first] = other.sent();
    other.segments({ flags, seq: 9, ack: first!.seq + 1, ports: [80, 4000] });
    assertEquals(refused.ecn, false);
  }
  // A SYN that is lost is sent again without.
  const third = new TestHost({ ecn: true });
  third.connect();
  third.sent();
  assertEquals(third.pass(1100).map(({ flags }) => flags), ["S"]);
  const server = new TestHost();
  server.listen();
  assertEquals(server.segments({ flags: "SEW", seq: 1 })[0]!.flags, "S.E");
});

/** A connection of which both sides know congestion marks. */
function marked(): TestPeer {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  peer.connection.ecn = true;
  peer.connection.congestion = RENO;
  return peer;
}

Deno.test("text is capable of a mark; what is sent again, or without text, is not (RFC 3168, section 6.1.5)", () => {
  const peer = marked();
  const { host, connection } = peer;
  host.push(connection, "abc");
  assertEquals(marks(host.device.take()[0]!), [0, 2]);
  host.now += 250;
  host.stack.poll(host.now);
  assertEquals(marks(host.device.take()[0]!), [0, 0]);
  // Out of order, so that it is acknowledged at once.
  const [ack] = host.frames(frameOf(6, segmentBytes(peer, 9)));
  assertEquals(marks(ack!), [0, 0]);
});

Deno.test("a probe of a closed window is not capable of a mark, and does not tell of a smaller window (RFC 3168, section 6.1.6)", () => {
  const peer = marked();
  const { host, connection } = peer;
  connection.ecnReduced = true;
  peer.send(".", 1, 1, { window: 0 });
  host.push(connection, "abc");
  host.now += 250;
  host.stack.poll(host.now);
  assertEquals(host.device.take().map(marks), [[0, 0]]);
  const [text] = host.frames(frameOf(6, tcpOf(peer.segment(".", 1, 1, { window: 9 }), PEER)));
  // The byte of the probe was sent before.
  assertEquals(marks(text!), [0, 0]);
  host.push(connection, "def");
  assertEquals(host.device.take().map(marks), [[0x80, 2]]);
});

Deno.test("a mark makes the window smaller once a round trip, and the peer is told of it (RFC 3168, section 6.1.2)", () => {
  const peer = marked();
  const { host, connection } = peer;
  host.push(connection, KB.repeat(30));
  host.device.take();
  peer.send(".E", 1, 1001);
  assertEquals([connection.ssthresh, connection.cwnd >= 5000 && connection.cwnd <= 6000], [
    5000,
    true,
  ]);
  const { cwnd } = connection;
  peer.send(".E", 1, 3001);
  assert(connection.cwnd >= cwnd);
  assertEquals(connection.ssthresh, 5000);
  // The first new text has CWR.
  const flags = host.segments(peer.segment(".", 1, 9001)).map((one) => one.flags);
  assertEquals(flags[0], ".W");
  assertEquals(flags.slice(1).some((one) => one.includes("W")), false);
});

Deno.test("who gets a mark says so until the peer has heard of it (RFC 3168, section 6.1.3)", () => {
  const peer = marked();
  const { host, connection } = peer;
  const text = frameOf(6, segmentBytes(peer, 1));
  const [answer] = host.frames(congested(text));
  assertEquals(marks(answer!)[0], 0x40);
  assertEquals(connection.ecnEcho, true);
  assertEquals(peer.send("P.", 6, 1, { text: "x" }).length + host.pass(50).length, 1);
  assertEquals(connection.ecnEcho, true);
  peer.send("P.W", 7, 1, { text: "y" });
  assertEquals(connection.ecnEcho, false);
});

/** The bytes of a segment with five bytes of text, from a number on. */
function segmentBytes(peer: TestPeer, seq: number): Uint8Array<ArrayBuffer> {
  return tcpOf(peer.segment("P.", seq, 1, { text: "hello" }), PEER);
}

/** A connection that may send sixty segments, and has sent one. */
function withWideWindow() {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  connection.cwnd = 60_000;
  host.push(connection, KB);
  peer.sent();
  peer.send(".", 1, 1001);
  return { host, peer, connection };
}

Deno.test("a window that was not used for long shrinks to the initial one (RFC 5681, section 4.1)", () => {
  const { host, peer, connection } = withWideWindow();
  host.pass(150);
  host.push(connection, KB.repeat(50));
  assertEquals(peer.sent().length, 50);
  peer.send(".", 1, 51_001);
  host.pass(5000);
  host.push(connection, KB.repeat(50));
  assertEquals(peer.sent().length, 10);
});

Deno.test("a pause is judged when something is sent after it, and not for what comes meanwhile (RFC 2861, section 2)", () => {
  const { host, peer, connection } = withWideWindow();
  host.pass(250);
  for (let i = 0; i < 5; i++) peer.send("P.", 1 + i, 1001, { text: "x" });
  host.push(connection, KB.repeat(50));
  // Half of it, for one timeout.
  assertEquals(peer.sent().length, 30);
});

Deno.test("a window that was not filled does not grow (RFC 7661)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  const { cwnd } = connection;
  for (let i = 0; i < 20; i++) {
    host.push(connection, KB.repeat(2));
    peer.sent();
    peer.send(".", 1, 2001 + 2000 * i);
  }
  assertEquals(connection.cwnd, cwnd);
});

for (const congestion of [CUBIC, RENO]) {
  // The window is 10 segments, and what is acknowledged at each step is two.
  for (const [segments, cwnd] of [[10, 20_000], [20, 28_000]] as const) {
    Deno.test(`a window of ${congestion.name} that ${segments} segments filled grows until that is acknowledged (RFC 7661)`, () => {
      const host = new TestHost();
      const peer = accepted(host, { sackOk: true });
      const { connection } = peer;
      connection.congestion = congestion;
      host.push(connection, KB.repeat(segments));
      assertEquals(peer.sent().length, 10);
      for (let ack = 2001; ack <= 1000 * segments + 1; ack += 2000) peer.send(".", 1, ack);
      assertEquals(connection.cwnd, cwnd);
    });
  }
}

Deno.test("a window that pushes filled one by one grows (RFC 7661)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  for (let i = 0; i < 10; i++) host.push(connection, KB);
  assertEquals(peer.sent().length, 10);
  peer.send(".", 1, 10_001);
  assertEquals(connection.cwnd, 18_000);
});

Deno.test("CUBIC shrinks to 0.7, comes back by the third root of the time, and goes on (RFC 9438, section 4)", () => {
  const host = new TestHost();
  const { connection } = accepted(host);
  const time = host.stack.time;
  connection.cwnd = 100_000;
  connection.sndMax = (connection.sndUna + 100_000) | 0;
  connection.ssthresh = CUBIC.reduced(connection, false);
  assertEquals(connection.ssthresh, 70_000);
  connection.cwnd = connection.ssthresh;
  connection.srtt = 100_000;
  connection.cwndLimited = true;
  // K is the third root of 30 / 0.4 segments: 4.2 s.
  const windows: number[] = [];
  for (let second = 0; second < 8; second++) {
    for (let i = 0; i < 10; i++) {
      time.advance(time.now + 100);
      for (let acked = 0; acked < connection.cwnd; acked += 2000) {
        CUBIC.acknowledged(connection, 2000, time);
      }
    }
    windows.push(Math.round(connection.cwnd / 1000));
  }
  assert(Math.abs(windows[3]! - 100) <= 2, `${windows}`);
  assert(windows[2]! - windows[1]! < windows[1]! - 70, `${windows}`);
  assert(windows[7]! - windows[6]! > windows[5]! - windows[4]!, `${windows}`);
});

Deno.test("CUBIC does not count time in which the window was not used (RFC 9438, section 4.2)", () => {
  const [steady, paused] = [0, 5].map((pause) => {
    const host = new TestHost();
    const { connection } = accepted(host);
    const time = host.stack.time;
    connection.cwnd = 100_000;
    connection.sndMax = (connection.sndUna + 100_000) | 0;
    connection.ssthresh = CUBIC.reduced(connection, false);
    connection.cwnd = connection.ssthresh;
    connection.srtt = 100_000;
    for (let second = 0; second < 6 + pause; second++) {
      connection.cwndLimited = second < 1 || second >= 1 + pause;
      for (let i = 0; i < 10; i++) {
        time.advance(time.now + 100);
        for (let acked = 0; acked < 60_000; acked += 2000) {
          CUBIC.acknowledged(connection, 2000, time);
        }
      }
    }
    return connection.cwnd;
  });
  assertEquals(paused, steady);
});

/** Sends for some rounds, of which each takes longer from the fourth one on, by 10 ms, as where a queue grows. */
function fillQueue(peer: TestPeer): void {
  const { host, connection } = peer;
  const { ssthresh } = connection;
  host.push(connection, KB.repeat(6000));
  let acked = 1;
  for (let round = 0; round < 20 && connection.ssthresh === ssthresh; round++) {
    host.now += 50 + Math.max(0, round - 3) * 10;
    const end = (connection.sndMax - connection.iss) | 0;
    while (acked < end) peer.send(".", 1, acked += 1000);
  }
}

Deno.test("slow start ends when round trips take longer (RFC 9406)", () => {
  for (const last of [1, 0x80000000]) {
    const peer = accepted(new TestHost(), { sackOk: true, scale: 9 });
    const { connection } = peer;
    // The last round may have been 2 GiB ago.
    connection.slowStart.windowEnd = (connection.iss + last) | 0;
    fillQueue(peer);
    assert(connection.ssthresh < 0x3fffffff && connection.ssthresh > 60_000);
    assertEquals(connection.retransmitted, 0);
  }
});

Deno.test("a slow start whose threshold is known goes on up to there (RFC 9406, section 4.3)", () => {
  const peer = accepted(new TestHost(), { sackOk: true, scale: 9 });
  const { connection } = peer;
  connection.ssthresh = 1_000_000;
  fillQueue(peer);
  assertEquals(connection.ssthresh, 1_000_000);
  assert(connection.cwnd >= 1_000_000, `${connection.cwnd}`);
});

Deno.test("the receive buffer grows with what is taken in a round trip, up to its bound; one that was set does not", () => {
  const grown = [true, false].map((tunes) => {
    const host = new TestHost();
    const peer = accepted(host, { scale: 9, sackOk: true, receiveLimit: 65_535 });
    const { connection } = peer;
    connection.tunesReceive = tunes;
    connection.srtt = 10_000;
    let seq = 1;
    for (let round = 0; round < 40; round++) {
      host.pass(10);
      // As much as the window takes.
      for (let left = Math.min(connection.rcvWnd, 400_000); left >= 1000; left -= 1000) {
        peer.send(".", seq, 1, { text: KB });
        seq += 1000;
      }
      host.take(connection);
    }
    return connection.receiveLimit;
  });
  assertEquals(grown[1], 65_535);
  assert(grown[0]! > 400_000 && grown[0]! <= BOUNDS.AUTO_RECEIVE_BUFFER, `${grown[0]}`);
});

Deno.test("the send buffer grows with the congestion window, up to its bound; one that was set does not", () => {
  const { tcp } = new TestHost().stack;
  const { connection } = connected(new TestHost());
  const limit = () => (tcp.pushLimit(connection) - connection.sndUna) | 0;
  connection.cwnd = 500_000;
  assertEquals(limit(), 262_144);
  connection.tunesSend = true;
  assertEquals(limit(), 1_000_000);
  connection.cwnd = 1 << 29;
  assertEquals(limit(), BOUNDS.AUTO_SEND_BUFFER);
});

Deno.test("setsockopt() and host() take the names of the algorithms that there are", async () => {
  const network = simulate({ seed: 1 });
  const host = network.host({ addresses: ["10.0.0.1/24"], congestion: "reno" });
  const qd = host.socket("inet", "stream");
  assertEquals(host.getsockopt(qd, "congestion"), "reno");
  host.setsockopt(qd, "congestion", "cubic");
  host.setsockopt(qd, "userTimeout", 5000);
  assertEquals([host.getsockopt(qd, "congestion"), host.getsockopt(qd, "userTimeout")], [
    "cubic",
    5000,
  ]);
  const wrong = "bbr" as "reno";
  assertThrows(
    () => host.setsockopt(qd, "congestion", wrong),
    DemikernelError,
    '"cubic" or "reno"',
  );
  assertThrows(() => host.setsockopt(qd, "userTimeout", -1), DemikernelError, "userTimeout");
  assertThrows(
    () => network.host({ addresses: ["10.0.0.2/24"], congestion: wrong }),
    DemikernelError,
    '"cubic" or "reno"',
  );
  host.close(qd);
  await network.close();
});
