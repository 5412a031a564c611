/**
 * Text in both directions (RFC 9293, section 3.8): segments, acknowledgments, windows.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { accepted, stateOf, TestHost, type TestPeer } from "../_host.ts";
import { Errno } from "../../../libos/error.ts";

Deno.test("what is pushed goes in segments of the MSS, and the last one has PSH", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, "x".repeat(2500));
  assertEquals(peer.sent(), [". 1:1001 1", ". 1001:2001 1", "P. 2001:2501 1"]);
});

Deno.test("several pushes that wait go in one segment, and their memory comes back when acknowledged", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 4 });
  const { connection } = peer;
  host.push(connection, "abcd");
  for (const text of ["e", "fg", "hij"]) host.push(connection, text);
  assertEquals(peer.sent(), ["P. 1:5 1"]);
  assertEquals(host.heap.buffers, 4);
  const [segment] = host.segments(peer.segment(".", 1, 5, { window: 1000 }));
  assertEquals(segment!.text, "efghij");
  assertEquals(host.heap.buffers, 3);
  peer.send(".", 1, 8);
  assertEquals(host.heap.buffers, 1);
  peer.send(".", 1, 11);
  assertEquals(host.heap.buffers, 0);
});

/** A connection whose first acknowledgments, which do not wait, are over. */
function inDialogue(host: TestHost): TestPeer {
  const peer = accepted(host);
  peer.connection.quickAcks = 0;
  return peer;
}

Deno.test("an acknowledgment is put off, and rides on what is sent meanwhile", () => {
  const host = new TestHost();
  const peer = inDialogue(host);
  assertEquals(peer.send("P.", 1, 1, { text: "request" }), []);
  host.push(peer.connection, "answer");
  assertEquals(peer.sent(), ["P. 1:7 8"]);
  peer.send(".", 8, 7);
  assertEquals(peer.pass(100), []);
});

Deno.test("an acknowledgment is put off for 40 ms at most", () => {
  const host = new TestHost();
  const peer = inDialogue(host);
  peer.send("P.", 1, 1, { text: "request" });
  assertEquals(peer.pass(1000), [". 1:1 8 at 40"]);
});

Deno.test("every second full segment is acknowledged at once (RFC 5681, section 4.2)", () => {
  const host = new TestHost();
  const peer = inDialogue(host);
  const text = "x".repeat(1000);
  assertEquals(peer.send(".", 1, 1, { text }), []);
  assertEquals(peer.send(".", 1001, 1, { text }), [". 1:1 2001"]);
});

Deno.test("what comes out of order is kept, acknowledged at once, and given in order", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const { connection } = peer;
  const send = (seq: number, text: string) => host.segments(peer.segment(".", seq, 1, { text }));
  const blocks = (segments: readonly { sack?: readonly (readonly [number, number])[] }[]) =>
    segments[0]!.sack!.map((block) => block.map((edge) => edge - peer.irs));
  assertEquals(blocks(send(4, "def")), [[4, 7]]);
  // What came last is told first (RFC 2018, section 4).
  assertEquals(blocks(send(10, "jkl")), [[10, 13], [4, 7]]);
  assertEquals(blocks(send(7, "g")), [[4, 8], [10, 13]]);
  assertEquals(host.take(connection), "");
  const [ack] = send(1, "abc");
  assertEquals([ack!.ack! - peer.irs, ack!.sack!.length], [8, 1]);
  assertEquals(host.take(connection), "abcdefg");
  send(8, "hij");
  assertEquals(host.take(connection), "hijkl");
});

Deno.test("segments that overlap what is there add what is new alone", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const send = (seq: number, text: string) => peer.send(".", seq, 1, { text });
  send(1, "abcd");
  send(3, "cdef");
  assertEquals(host.take(peer.connection), "abcdef");
  send(9, "ij");
  send(13, "mn");
  send(8, "hijklmno");
  send(7, "ghi");
  assertEquals(host.take(peer.connection), "ghijklmno");
  assertEquals(send(1, "abcdef"), [". 1:1 16"], "old text is acknowledged again");
});

Deno.test("text beyond the window is cut off", () => {
  const host = new TestHost();
  const peer = accepted(host, { receiveLimit: 4096 });
  for (let i = 0; i < 4; i++) peer.send(".", 1 + 1000 * i, 1, { text: "x".repeat(1000) });
  assertEquals(peer.send(".", 4001, 1, { text: "y".repeat(1000) }), [". 1:1 4097"]);
  assertEquals(host.take(peer.connection).length, 4096);
});

Deno.test("the window closes as nobody takes, opens when somebody does, and never shrinks", () => {
  const host = new TestHost();
  const peer = accepted(host, { receiveLimit: 4096 });
  const { connection } = peer;
  const windows: number[] = [];
  for (let i = 0; i < 4; i++) {
    for (
      const { window, ack } of host.segments(
        peer.segment(".", 1 + 1000 * i, 1, { text: "x".repeat(1000) }),
      )
    ) {
      windows.push(ack! - peer.irs + window!);
    }
  }
  host.pass(50).forEach(({ window, ack }) => windows.push(ack! - peer.irs + window!));
  assertEquals(windows, [4097, 4097, 4097, 4097]);
  assertEquals(host.take(connection).length, 4000);
  host.stack.poll(host.now);
  const [update] = host.sent();
  assertEquals([update!.flags, update!.window], [".", 4096]);
});

Deno.test("a window update without text lets a push go on", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 10 });
  host.push(peer.connection, "0123456789abc");
  assertEquals(peer.sent(), [". 1:11 1"]);
  assertEquals(peer.send(".", 1, 11, { window: 0 }), []);
  assertEquals(peer.send(".", 1, 11, { window: 100 }), ["P. 11:14 1"]);
});

Deno.test("a closed window is probed with a byte, less and less often, and without an end", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 3 });
  host.push(peer.connection, "abcdef");
  peer.sent();
  peer.send(".", 1, 4, { window: 0 });
  assertEquals(peer.pass(1500), [". 4:5 1 at 200", ". 4:5 1 at 600", ". 4:5 1 at 1400"]);
  // Whoever answers is there.
  for (let i = 0; i < 40; i++) {
    peer.send(".", 1, 4, { window: 0 });
    host.pass(60_000);
  }
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
  assertEquals(peer.send(".", 1, 4, { window: 10 }), ["P. 4:7 1"]);
});

Deno.test("a closed window is probed less and less often though the peer answers, and 15 times after it did so last", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 3 });
  host.push(peer.connection, "abcdef");
  peer.sent();
  peer.send(".", 1, 4, { window: 0 });
  const gaps: number[] = [];
  for (let i = 0; i < 20; i++) {
    let gap = 0;
    do gap += 100; while (host.pass(100).length === 0);
    gaps.push(gap);
    peer.send(".", 1, 4, { window: 0 });
  }
  assertEquals(gaps.slice(0, 11), [
    200,
    400,
    800,
    1600,
    3200,
    6400,
    12_800,
    25_600,
    51_200,
    60_000,
    60_000,
  ]);
  assertEquals(host.pass(3_600_000).length, 15);
  assertEquals(host.told.events, [`failed ${Errno.ETIMEDOUT}`]);
});

Deno.test("a window that closed with text under way is lived with, and that goes again once it opens (RFC 9293, SHLD-17)", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true, mss: 1400 });
  const text = "x".repeat(1400);
  host.push(peer.connection, text);
  assertEquals(peer.sent(), ["P. 1:1401 1"]);
  peer.send(".", 1, 1, { window: 0 });
  for (let i = 0; i < 20; i++) {
    let sent: string[];
    do sent = peer.pass(1000); while (sent.length === 0);
    assertEquals(sent[0]!.startsWith("P. 1:1401 1"), true, "no smaller segment is tried");
    peer.send(".", 1, 1, { window: 0 });
  }
  assertEquals(host.told.events, []);
  assertEquals(peer.send(".", 1, 1, { window: 2000 }), ["P. 1:1401 1"]);
  assertEquals(peer.pass(500), ["P. 1:1401 1 at 200"]);
});

Deno.test("a probe that is taken opens the way for the rest", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 3 });
  host.push(peer.connection, "abcdef");
  peer.sent();
  peer.send(".", 1, 4, { window: 0 });
  host.pass(250);
  assertEquals(peer.send(".", 1, 5, { window: 10 }), ["P. 5:7 1"]);
});

Deno.test("Nagle's algorithm holds small segments back while something is under way", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  connection.nodelay = false;
  host.push(connection, "a");
  host.push(connection, "b");
  host.push(connection, "c");
  assertEquals(peer.sent(), ["P. 1:2 1"]);
  assertEquals(peer.send(".", 1, 2), ["P. 2:4 1"]);
  connection.nodelay = true;
  host.push(connection, "d");
  assertEquals(peer.sent(), ["P. 4:5 1"]);
});

Deno.test("the windows of the peer are scaled, but that of its SYN", () => {
  const host = new TestHost();
  const peer = accepted(host, { scale: 4, window: 100 });
  assertEquals(peer.connection.sndWnd, 1600);
});

Deno.test("an ACK of what was never sent gets an ACK; an old one, nothing", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, "abc");
  peer.sent();
  assertEquals(peer.send(".", 1, 9), [". 4:4 1"]);
  assertEquals(peer.connection.sndUna, peer.iss + 1);
  peer.send(".", 1, 4);
  assertEquals(peer.send(".", 1, 2), []);
  // Too old to be anybody's but a stranger's (RFC 5961, section 5).
  assertEquals(peer.send(".", 1, -70_000), [". 4:4 1"]);
});

Deno.test("a segment of before the connection is dropped by its timestamp (PAWS, RFC 7323)", () => {
  const host = new TestHost();
  const listener = host.listen();
  const [answer] = host.segments({ flags: "S", seq: 100, mss: 1460, timestamps: [1000, 0] });
  const ack = (answer!.seq + 1) | 0;
  host.segments({ flags: ".", seq: 101, ack, timestamps: [1001, 0] });
  const connection = listener.accept()!;
  host.segments({ flags: "P.", seq: 101, ack, text: "new", timestamps: [1002, 0] });
  const [challenge] = host.segments({
    flags: "P.",
    seq: 104,
    ack,
    text: "old",
    timestamps: [900, 0],
  });
  assertEquals([challenge!.flags, challenge!.ack], [".", 104]);
  // RFC 7323, section 3.2: without the option it is dropped.
  host.segments({ flags: "P.", seq: 104, ack, text: "bare" });
  assertEquals(host.take(connection), "new");
  host.push(connection, "x");
  assertEquals(host.sent()[0]!.timestamps![1], 1002);
});

Deno.test("the device is kicked once for all that a burst caused, and what it has no room for is sent later", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.device.room = 2;
  host.push(peer.connection, "x".repeat(5000));
  assertEquals(peer.sent().length, 2);
  assertEquals(peer.sent().length, 0);
  host.stack.poll(host.now);
  host.stack.poll(host.now);
  assertEquals(peer.sent(), [". 2001:3001 1", ". 3001:4001 1", "P. 4001:5001 1"]);
});
