/**
 * How connections end (RFC 9293, section 3.6), in every order; and resets.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { accepted, connected, stateOf, TestHost } from "../_host.ts";
import { Errno } from "../../../libos/error.ts";

Deno.test("the peer closes first: CLOSE-WAIT, LAST-ACK, CLOSED", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  assertEquals(peer.send("F.", 1, 1), [". 1:1 2"]);
  assertEquals(stateOf(connection), "CLOSE-WAIT");
  assertEquals(host.told.events, ["readable"]);
  // The other direction is open still.
  host.push(connection, "bye");
  assertEquals(peer.sent(), ["P. 1:4 2"]);
  host.stack.tcp.shutdown(connection);
  assertEquals(peer.sent(), ["F. 4:4 2"]);
  assertEquals(stateOf(connection), "LAST-ACK");
  assertEquals(peer.send(".", 2, 5), []);
  assertEquals(stateOf(connection), "CLOSED");
  assertEquals(host.stack.tcp.size, 0);
});

Deno.test("the host closes first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT, CLOSED", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  host.stack.tcp.shutdown(connection);
  assertEquals(peer.sent(), ["F. 1:1 1"]);
  assertEquals(stateOf(connection), "FIN-WAIT-1");
  peer.send(".", 1, 2);
  assertEquals(stateOf(connection), "FIN-WAIT-2");
  // Half closed: what the peer sends is taken.
  peer.send("P.", 1, 2, { text: "more" });
  assertEquals(host.take(connection), "more");
  assertEquals(peer.send("F.", 5, 2), [". 2:2 6"]);
  assertEquals(stateOf(connection), "TIME-WAIT");
  // The FIN comes again if its acknowledgment is lost.
  assertEquals(peer.send("F.", 5, 2), [". 2:2 6"]);
  host.pass(59_000);
  assertEquals(stateOf(connection), "TIME-WAIT");
  host.pass(2000);
  assertEquals(stateOf(connection), "CLOSED");
  assertEquals(host.stack.tcp.size, 0);
});

Deno.test("both close at once: CLOSING, TIME-WAIT", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  host.stack.tcp.shutdown(connection);
  peer.sent();
  assertEquals(peer.send("F.", 1, 1), [". 2:2 2"]);
  assertEquals(stateOf(connection), "CLOSING");
  // The own FIN may be lost: it is sent again here, too.
  assertEquals(peer.pass(300), ["F. 1:1 2 at 200"]);
  peer.send(".", 2, 2);
  assertEquals(stateOf(connection), "TIME-WAIT");
});

Deno.test("a FIN that acknowledges the own one leads to TIME-WAIT at once", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.shutdown(peer.connection);
  peer.sent();
  assertEquals(peer.send("F.", 1, 2), [". 2:2 2"]);
  assertEquals(stateOf(peer.connection), "TIME-WAIT");
});

Deno.test("a FIN waits for what comes before it", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const { connection } = peer;
  assertEquals(peer.send("F.", 4, 1, { text: "def" }), [". 1:1 1"]);
  assertEquals(stateOf(connection), "ESTABLISHED");
  assertEquals(peer.send(".", 1, 1, { text: "abc" }), [". 1:1 8"]);
  assertEquals(stateOf(connection), "CLOSE-WAIT");
  assertEquals(host.take(connection), "abcdef");
});

Deno.test("the FIN follows what waits to be sent, and is sent again with it", () => {
  const host = new TestHost();
  const peer = accepted(host, { window: 3 });
  const { connection } = peer;
  host.push(connection, "abcdef");
  host.stack.tcp.shutdown(connection);
  assertEquals(peer.sent(), [". 1:4 1"]);
  assertEquals(peer.send(".", 1, 4, { window: 1000 }), ["FP. 4:7 1"]);
  assertEquals(peer.pass(300), ["FP. 4:7 1 at 200"]);
});

Deno.test("close() with text that nobody took resets the connection (RFC 2525, section 2.17)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  peer.send("P.", 1, 1, { text: "unread" });
  host.stack.tcp.close(peer.connection);
  assertEquals(peer.sent(), ["R. 1:1 7"]);
  assertEquals(host.stack.tcp.size, 0);
  assertEquals(host.heap.buffers, 0);
});

Deno.test("text that comes after close() is answered with a reset", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.close(peer.connection);
  assertEquals(peer.sent(), ["F. 1:1 1"]);
  peer.send(".", 1, 2);
  assertEquals(peer.send("P.", 1, 2, { text: "late" }), ["R. 2:2 1"]);
  assertEquals(host.stack.tcp.size, 0);
});

Deno.test("a peer that never closes is waited for a minute after close()", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.close(peer.connection);
  peer.send(".", 1, 2);
  assertEquals(stateOf(peer.connection), "FIN-WAIT-2");
  host.pass(61_000);
  assertEquals(host.stack.tcp.size, 0);
});

Deno.test("abort() sends a reset, and forgets", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.push(peer.connection, "lost");
  peer.sent();
  host.stack.tcp.abort(peer.connection);
  assertEquals(peer.sent(), ["R. 5:5 1"]);
  assertEquals(host.heap.buffers, 0);
});

Deno.test("a reset is good at the left edge of the window alone (RFC 5961, section 3)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  assertEquals(peer.send("R", 100, 0), [". 1:1 1"]);
  assertEquals(peer.send("R", 0, 0), []);
  assertEquals(peer.send("R", 70_000, 0), []);
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
  peer.send("P.", 1, 1, { text: "before" });
  assertEquals(peer.send("R", 7, 0), []);
  assertEquals(host.told.events, ["readable", `failed ${Errno.ECONNRESET}`]);
  // What came before it can be taken.
  assertEquals(host.take(peer.connection), "before");
});

Deno.test("TIME-WAIT is not ended by a reset (RFC 1337)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.shutdown(peer.connection);
  peer.send("F.", 1, 2);
  peer.send("R", 2, 2);
  assertEquals(stateOf(peer.connection), "TIME-WAIT");
});

Deno.test("a SYN that is newer takes the place of a connection in TIME-WAIT (RFC 6191)", () => {
  const host = new TestHost();
  const peer = accepted(host);
  host.stack.tcp.shutdown(peer.connection);
  peer.send("F.", 1, 2);
  assertEquals(peer.send("S", 1, 0), [". 2:2 2"], "an old one is answered");
  const [answer] = host.segments({ flags: "S", seq: peer.irs + 1000, mss: 1460 });
  assertEquals([answer!.flags, answer!.ack], ["S.", peer.irs + 1001]);
  assertEquals(stateOf(peer.connection), "CLOSED");
});

Deno.test("a SYN where nobody listens does not end TIME-WAIT", () => {
  const host = new TestHost();
  const peer = connected(host);
  host.stack.tcp.shutdown(peer.connection);
  peer.send("F.", 1, 2);
  assertEquals(peer.send("S", 1000, 0), [". 2:2 2"]);
  assertEquals(stateOf(peer.connection), "TIME-WAIT");
});

Deno.test("more than the bound in TIME-WAIT push the oldest out", () => {
  const host = new TestHost();
  const peer = accepted(host);
  const other = connected(host);
  host.stack.tcp.timeWaitLimit = 1;
  for (const one of [peer, other]) {
    host.stack.tcp.shutdown(one.connection);
    one.send("F.", 1, 2);
  }
  assertEquals([stateOf(peer.connection), stateOf(other.connection)], ["CLOSED", "TIME-WAIT"]);
});

Deno.test("unlisten() resets who was not accepted", () => {
  const host = new TestHost();
  const listener = host.listen();
  const [one] = host.segments({ flags: "S", seq: 100, mss: 1460 });
  host.segments({ flags: ".", seq: 101, ack: one!.seq + 1 });
  host.segments({ flags: "S", seq: 100, mss: 1460, ports: [4001, 80] });
  host.stack.tcp.unlisten(listener);
  assertEquals(host.sent().map(({ flags }) => flags), ["R.", "R."]);
  assertEquals(host.stack.tcp.size, 0);
});
