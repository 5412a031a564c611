/**
 * Losses: retransmission (RFC 6298), fast retransmit and recovery (RFC 5681, RFC 6582), congestion windows.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { accepted, connected, stateOf, TestHost } from "../_host.ts";
import { Errno } from "../../../libos/error.ts";
import { RENO } from "../../../libos/inetstack/tcp/congestion/reno.ts";

const KB = "x".repeat(1000);

Deno.test("a segment that is lost is sent again, each time after twice as long", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, "abc");
  peer.sent();
  assertEquals(peer.pass(1500), ["P. 1:4 1 at 200", "P. 1:4 1 at 600", "P. 1:4 1 at 1400"]);
  peer.send(".", 1, 4);
  assertEquals(peer.pass(10_000), []);
});

Deno.test("a peer that is gone for good is noticed after 15 retransmissions", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, "abc");
  peer.sent();
  assertEquals(host.pass(3_600_000).length, 15);
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
  assertEquals(stateOf(peer.connection), "CLOSED");
  assertEquals(host.heap.buffers, 0);
});

Deno.test("the timeout follows the round-trip times, and not those of what was sent twice", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  let at = 1;
  for (let i = 0; i < 20; i++, at++) {
    host.push(connection, "x");
    host.pass(400);
    peer.send(".", 1, at + 1);
  }
  // Karn's algorithm: each was sent again after 200 ms, so none was measured.
  assert(connection.srtt < 10_000, `${connection.srtt}`);
  const quick = new TestHost();
  const other = accepted(quick);
  for (let i = 1; i < 40; i++) {
    quick.push(other.connection, "x");
    quick.pass(150);
    other.send(".", 1, i + 1);
  }
  assert(Math.abs(other.connection.srtt - 150_000) < 10_000, `${other.connection.srtt}`);
  assert(other.connection.rto >= 200 && other.connection.rto < 400, `${other.connection.rto}`);
});

Deno.test("ten segments go at first, two more for each that is acknowledged (RFC 6928, slow start)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, KB.repeat(60));
  assertEquals(peer.sent().length, 10);
  assertEquals(peer.send(".", 1, 1001).length, 2);
  assertEquals(peer.send(".", 1, 3001).length, 4);
});

Deno.test("three duplicates send the first segment again at once, and halve the window", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.congestion = RENO;
  host.push(connection, KB.repeat(60));
  peer.sent();
  // Limited transmit (RFC 3042): a new segment for each of the first two.
  assertEquals(peer.send(".", 1, 1), [". 10001:11001 1"]);
  assertEquals(peer.send(".", 1, 1), [". 11001:12001 1"]);
  assertEquals(peer.send(".", 1, 1), [". 1:1001 1"]);
  assertEquals(connection.ssthresh, 6000);
  assert(connection.recovering);
  // Each more lets the window grow by one, until what is under way fits again.
  for (let i = 0; i < 3; i++) assertEquals(peer.send(".", 1, 1), []);
  assertEquals(peer.send(".", 1, 1), [". 12001:13001 1"]);
  // A full acknowledgment ends it.
  peer.send(".", 1, 13_001);
  assert(!connection.recovering);
  assertEquals(connection.cwnd, 2000);
});

Deno.test("three duplicates tell of a loss, although the last one was 2 GiB ago", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.recover = (connection.sndUna - 0x7fffffff - 2) | 0;
  host.push(connection, KB.repeat(10));
  peer.sent();
  const answers = [1, 2, 3].map(() => peer.send(".", 1, 1));
  assertEquals(answers.at(-1), [". 1:1001 1"]);
});

Deno.test("a partial acknowledgment sends the next segment again (RFC 6582)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, KB.repeat(10));
  peer.sent();
  for (let i = 0; i < 3; i++) peer.send(".", 1, 1);
  assertEquals(peer.send(".", 1, 3001), [". 3001:4001 1"]);
  assertEquals(peer.send(".", 1, 10_001), []);
  assert(!peer.connection.recovering);
});

Deno.test("a timeout begins with one segment, and takes up what it has to", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.congestion = RENO;
  host.push(connection, KB.repeat(10));
  peer.sent();
  assertEquals(peer.pass(250), [". 1:1001 1 at 200"]);
  assertEquals([connection.cwnd, connection.ssthresh], [1000, 5000]);
  assertEquals(peer.send(".", 1, 1001), [". 1001:2001 1", ". 2001:3001 1"]);
  // What the peer has already is not sent again.
  assertEquals(peer.send(".", 1, 10_001), []);
  assertEquals(host.heap.buffers, 0);
});

Deno.test("window updates and old ACKs are no duplicates", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, KB.repeat(5));
  peer.sent();
  for (let i = 0; i < 5; i++) assertEquals(peer.send(".", 1, 1, { window: 60_000 + i }), []);
  assertEquals(peer.connection.duplicateAcks, 0);
});

Deno.test("keep-alive asks a silent peer, and resets it when it does not answer", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.keepaliveIdle = 10_000;
  connection.keepaliveInterval = 1000;
  connection.keepaliveCount = 3;
  connection.keepalive = true;
  host.stack.tcp.keepAlive(connection);
  assertEquals(peer.pass(10_500), [". 0:0 1 at 10000"]);
  peer.send(".", 1, 1);
  assertEquals(peer.pass(14_000), [
    ". 0:0 1 at 10000",
    ". 0:0 1 at 11000",
    ". 0:0 1 at 12000",
    "R. 1:1 1 at 13000",
  ]);
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
});

Deno.test("keep-alive looks again after its time, and not at once, while retransmissions ask a silent peer", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.keepaliveIdle = 1000;
  connection.keepalive = true;
  host.stack.tcp.keepAlive(connection);
  host.push(connection, "abc");
  const end = host.now + 60_000;
  let wakes = 0;
  for (; host.now < end; wakes++) {
    host.now = Math.max(host.now + 1, Math.ceil(host.stack.deadline()));
    host.stack.poll(host.now);
  }
  assert(wakes < 500, `${wakes}`);
});

Deno.test("a reset and a FIN are sent with the numbers of all that was sent, though a timeout went back", () => {
  const host = new TestHost();
  const peer = connected(host);
  host.push(peer.connection, KB.repeat(4));
  peer.sent();
  host.pass(250);
  host.stack.tcp.abort(peer.connection);
  assertEquals(peer.sent(), ["R. 4001:4001 1"]);
});
