/**
 * Recovery by selective acknowledgments: RFC 2018, 2883, 6675, 6937, 8985 and 5682, segment by segment.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { accepted, TestHost, type TestPeer } from "../_host.ts";
import { BOUNDS } from "../../../libos/inetstack/bounds.ts";
import { LOSS } from "../../../libos/inetstack/tcp/connection.ts";
import { RENO } from "../../../libos/inetstack/tcp/congestion/reno.ts";

const KB = "x".repeat(1000);

/**
 * A connection whose round trip takes 100 ms, and so many segments of 1000 bytes on the way, from 1001 on; the first one was
 * acknowledged.
 */
function flight(segments: number, options: { more?: number } = {}): TestPeer {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  connection.congestion = RENO;
  host.push(connection, KB);
  peer.sent();
  host.pass(100);
  peer.send(".", 1, 1001);
  connection.srtt = 100_000;
  connection.rto = 300;
  connection.cwnd = 1000 * segments;
  host.push(connection, KB.repeat(segments + (options.more ?? 0)));
  assertEquals(peer.sent().length, segments);
  host.now += 100;
  return peer;
}

Deno.test("what arrived behind a hole is told in blocks, the latest first (RFC 2018, section 4)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const told = (seq: number) =>
    host.segments(peer.segment("P.", seq, 1, { text: KB }))
      .map(({ sack }) => sack?.map(([from, to]) => [from - peer.irs, to - peer.irs]));
  assertEquals(told(1001), [[[1001, 2001]]]);
  assertEquals(told(3001), [[[3001, 4001], [1001, 2001]]]);
  assertEquals(told(5001), [[[5001, 6001], [3001, 4001], [1001, 2001]]]);
  assertEquals(told(2001), [[[1001, 4001], [5001, 6001]]]);
});

Deno.test("what came twice is told once, as the first block (RFC 2883, section 4)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const told = (seq: number) => {
    const answers = host.segments(peer.segment("P.", seq, 1, { text: KB }));
    return answers.at(-1)?.sack?.map(([from, to]) => [from - peer.irs, to - peer.irs]);
  };
  told(1);
  // In order already, then out of order and already there.
  assertEquals(told(1), [[1, 1001]]);
  told(3001);
  assertEquals(told(3001), [[3001, 4001], [3001, 4001]]);
  assertEquals(told(5001), [[5001, 6001], [3001, 4001]]);
});

Deno.test("three segments behind a hole fill it again at once, and nothing else (RFC 6675)", () => {
  const peer = flight(10);
  const { connection } = peer;
  assertEquals(peer.send(".", 1, 1001, { sack: [[2001, 3001]] }), []);
  assertEquals(peer.send(".", 1, 1001, { sack: [[2001, 4001]] }), []);
  assertEquals(peer.send(".", 1, 1001, { sack: [[2001, 5001]] }), [". 1001:2001 1"]);
  assertEquals([connection.recovering, connection.ssthresh], [true, 5000]);
  // Another hole is known by what is behind it; the one that was sent again is waited for.
  assertEquals(peer.send(".", 1, 1001, { sack: [[6001, 9001], [2001, 5001]] }), [". 5001:6001 1"]);
  assertEquals(peer.send(".", 1, 9001), []);
  assertEquals(peer.send(".", 1, 11_001), []);
  assertEquals([connection.recovering, connection.cwnd], [false, 5000]);
  assertEquals(connection.scoreboard, null);
});

Deno.test("a retransmission that is lost too is sent again without a timeout (RFC 8985)", () => {
  const peer = flight(10, { more: 5 });
  peer.send(".", 1, 1001, { sack: [[2001, 6001]] });
  peer.host.now += 100;
  const lines = peer.send(".", 1, 1001, { sack: [[2001, 9001]] });
  assertEquals(lines[0], ". 11001:12001 1");
  peer.host.now += 100;
  // What was sent after the retransmission has arrived.
  assertEquals(
    peer.send(".", 1, 1001, { sack: [[11_001, 12_001], [2001, 9001]] })[0],
    ". 1001:2001 1",
  );
});

Deno.test("the window shrinks in proportion to what arrives (RFC 6937)", () => {
  const peer = flight(20, { more: 20 });
  const { connection } = peer;
  let sent = peer.send(".", 1, 1001, { sack: [[2001, 5001]] }).length;
  for (let edge = 6001; edge <= 21_001; edge += 1000) {
    sent += peer.send(".", 1, 1001, { sack: [[2001, edge]] }).length;
  }
  // 20 were on their way, 19 arrived: half as many were sent, with the one that was lost.
  assertEquals([sent, connection.ssthresh], [10, 10_000]);
  assertEquals(connection.pipe, 10_000);
});

Deno.test("a segment that was overtaken is not taken for lost, once that was seen (RFC 8985, section 6)", () => {
  const peer = flight(10);
  const { connection } = peer;
  connection.reordering = true;
  connection.minRtt = 100_000;
  for (const edge of [3001, 4001, 5001, 6001]) {
    assertEquals(peer.send(".", 1, 1001, { sack: [[2001, edge]] }), []);
  }
  assertEquals(connection.lossTimer, LOSS.REORDERING);
  peer.host.now += 10;
  assertEquals(peer.send(".", 1, 6001), []);
  assert(!connection.recovering);
  assertEquals(connection.retransmitted, 0);
});

Deno.test("what was not overtaken is lost after a fourth of a round trip (RFC 8985, section 6)", () => {
  const peer = flight(10);
  const { connection } = peer;
  connection.reordering = true;
  connection.minRtt = 100_000;
  peer.send(".", 1, 1001, { sack: [[2001, 6001]] });
  assertEquals(peer.pass(50), [". 1001:2001 1 at 25"]);
});

Deno.test("duplicates widen the time in which a segment may be overtaken, and undo the window (RFC 2883, 3708)", () => {
  const peer = flight(10);
  const { connection } = peer;
  assertEquals(peer.send(".", 1, 1001, { sack: [[2001, 6001]] }), [". 1001:2001 1"]);
  // The first copy was late; then the second one came.
  peer.send(".", 1, 6001);
  peer.send(".", 1, 6001, { sack: [[1001, 2001]] });
  assertEquals(connection.reorderingMultiple, 2);
  assert(connection.reordering === false && !connection.recovering);
  assertEquals(connection.cwnd, 10_000);
});

Deno.test("what was acknowledged, or came twice, 2 GiB ago does not count for the way (RFC 8985, section 6.2)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  connection.fack = connection.duplicateRound = (connection.sndUna - 0x7fffffff - 2) | 0;
  host.push(connection, KB.repeat(4));
  peer.sent();
  peer.send(".", 1, 2001);
  assertEquals(connection.reordering, false);
  peer.send(".", 1, 2001, { sack: [[1, 1001]] });
  assertEquals(connection.reorderingMultiple, 2);
});

Deno.test("the tail is probed after two round trips: with the last segment, or a new one (RFC 8985, section 7)", () => {
  const peer = flight(10);
  assertEquals(peer.pass(150), ["P. 10001:11001 1 at 100"]);
  const other = flight(10, { more: 1 });
  assertEquals(other.pass(150), ["P. 11001:12001 1 at 100"]);
});

Deno.test("a lost tail is repaired by its probe and what that tells", () => {
  const peer = flight(10);
  const { connection } = peer;
  peer.send(".", 1, 8001);
  assertEquals(peer.pass(201), ["P. 10001:11001 1 at 200"]);
  peer.host.now += 100;
  assertEquals(peer.send(".", 1, 8001, { sack: [[10_001, 11_001]] }), [". 8001:9001 1"]);
  assert(connection.recovering);
  assertEquals(peer.send(".", 1, 9001, { sack: [[10_001, 11_001]] }), [". 9001:10001 1"]);
  peer.send(".", 1, 11_001);
  assertEquals(peer.pass(1000), []);
});

Deno.test("a probe that alone repaired a loss lets the window shrink; one that came twice does not", () => {
  for (const lost of [true, false]) {
    const peer = flight(10);
    const { connection } = peer;
    peer.send(".", 1, 9001);
    assertEquals(peer.pass(201), ["P. 10001:11001 1 at 200"]);
    peer.send(".", 1, 11_001);
    if (!lost) peer.send(".", 1, 11_001, { sack: [[10_001, 11_001]] });
    peer.host.push(connection, KB.repeat(2));
    peer.send(".", 1, 12_001);
    assertEquals(connection.tailProbe, false);
    // What was sent in the meantime acknowledges that nothing came twice. Each of the first two acknowledgments was of a window
    // that was used.
    assertEquals(connection.cwnd, lost ? 2000 : 14_000);
  }
});

Deno.test("a window that shrank last 2 GiB ago shrinks again: for a loss, a mark, and what a probe repaired", () => {
  const [lost, marked, probed] = [flight(10), flight(10), flight(10)] as const;
  for (const { connection } of [lost, marked, probed]) {
    connection.congestionEnd = (connection.sndUna - 0x7fffffff - 2) | 0;
  }
  lost.send(".", 1, 1001, { sack: [[2001, 5001]] });
  assertEquals(lost.connection.ssthresh, 5000);
  marked.connection.ecn = true;
  marked.send(".E", 1, 2001);
  assertEquals(marked.connection.ssthresh, 5000);
  probed.send(".", 1, 9001);
  assertEquals(probed.pass(201), ["P. 10001:11001 1 at 200"]);
  probed.send(".", 1, 11_001);
  probed.host.push(probed.connection, KB.repeat(2));
  probed.send(".", 1, 12_001);
  assertEquals(probed.connection.cwnd, 2000);
});

Deno.test("after a timeout all that is not acknowledged goes again, and what is does not (RFC 6675, section 5.1)", () => {
  const peer = flight(4);
  const { connection } = peer;
  peer.send(".", 1, 1001, { sack: [[3001, 4001]] });
  const lines = peer.pass(1000).filter((line) => !line.includes("4001:5001"));
  assertEquals(lines[0]!.slice(0, 13), ". 1001:2001 1");
  assertEquals([connection.afterTimeout, connection.cwnd], [true, 1000]);
  assertEquals(peer.send(".", 1, 2001), [". 2001:3001 1", "P. 4001:5001 1"]);
  peer.send(".", 1, 5001);
  assertEquals([connection.recovering, connection.scoreboard], [false, null]);
});

Deno.test("a timeout for a delay is found to be none, and undone (RFC 5682, section 3)", () => {
  const peer = flight(10, { more: 10 });
  const { connection } = peer;
  connection.tailProbe = true;
  connection.lossTimer = LOSS.TIMEOUT;
  assertEquals(peer.pass(300).length, 1);
  assertEquals([connection.cwnd, connection.afterTimeout], [1000, true]);
  // The first acknowledgment is of both copies: two new segments, and nothing again.
  assertEquals(peer.send(".", 1, 2001), [". 11001:12001 1", ". 12001:13001 1"]);
  peer.send(".", 1, 3001);
  assertEquals([connection.afterTimeout, connection.scoreboard!.lostBytes], [false, 0]);
  assert(connection.cwnd >= 10_000, `${connection.cwnd}`);
});

Deno.test("a timeout for a loss stays one (RFC 5682, section 3)", () => {
  const peer = flight(10, { more: 10 });
  const { connection } = peer;
  connection.tailProbe = true;
  connection.lossTimer = LOSS.TIMEOUT;
  peer.pass(300);
  peer.send(".", 1, 2001);
  // The new segments arrive behind the hole.
  assertEquals(peer.send(".", 1, 2001, { sack: [[11_001, 12_001]] })[0], ". 2001:3001 1");
  assertEquals(connection.afterTimeout, true);
});

Deno.test("a peer that forgets what it acknowledged gets it again after a timeout (RFC 2018, section 8)", () => {
  const peer = flight(4);
  peer.send(".", 1, 1001, { sack: [[2001, 5001]] });
  peer.send(".", 1, 2001);
  peer.pass(400);
  const lines = peer.send(".", 1, 3001);
  assertEquals(lines[0], ". 3001:4001 1");
});

Deno.test("blocks that cannot be are not believed, and single bytes do not make the scoreboard grow", () => {
  const peer = flight(10);
  const { connection } = peer;
  const wrong = [[50_001, 60_001], [5001, 4001], [-5000, -4000], [4001, 4001]] as const;
  for (const block of wrong) peer.send(".", 1, 1001, { sack: [block] });
  assertEquals(connection.scoreboard!.sackedBytes, 0);
  for (let i = 0; i < 2 * BOUNDS.SCOREBOARD; i++) {
    const at = 2001 + (i * 2) % 9000;
    peer.send(".", 1, 1001, { sack: [[at, at + 1]] });
  }
  const { scoreboard } = connection;
  assert(scoreboard!.last - scoreboard!.first <= BOUNDS.SCOREBOARD);
  peer.send(".", 1, 11_001);
  assertEquals([connection.scoreboard, peer.host.heap.buffers], [null, 0]);
});
