/**
 * What every connected socket does, whatever its domain and type.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import {
  attempt,
  connectedPair,
  fill,
  KINDS,
  message,
  outcome,
  pattern,
  popped,
  receive,
  send,
  STREAMS,
  WAIT,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";
import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";

type Body = (libos: LibOS, a: QueueDescriptor, b: QueueDescriptor) => void;

/** Registers one test for each kind of socket. */
function eachOf(kinds: typeof KINDS, name: string, body: Body): void {
  for (const [domain, type] of kinds) {
    Deno.test(`${name} (${domain} ${type})`, () =>
      withCatnap((libos) => {
        body(libos, ...connectedPair(libos, domain, type));
      }));
  }
}

eachOf(KINDS, "push() and pop() carry data both ways", (libos, a, b) => {
  send(libos, a, "ping");
  assertEquals(receive(libos, b), "ping");
  send(libos, b, "pong");
  assertEquals(receive(libos, a), "pong");
});

eachOf(KINDS, "pop() completes in the order of the calls", (libos, a, b) => {
  const pops = Array.from({ length: 4 }, () => libos.pop(b, 1));
  for (const text of ["1", "2", "3", "4"]) send(libos, a, text);
  assertEquals(pops.map((qt) => popped(libos, qt)), ["1", "2", "3", "4"]);
});

eachOf(
  KINDS,
  "pop() gives null at the end, to all that wait and to all that come",
  (libos, a, b) => {
    send(libos, a, "last");
    const pops = [libos.pop(b), libos.pop(b), libos.pop(b)];
    libos.close(a);
    assertEquals(pops.map((qt) => popped(libos, qt)), ["last", null, null]);
    assertEquals([receive(libos, b), receive(libos, b)], [null, null]);
  },
);

eachOf(KINDS, "pop() that was cancelled takes no data", (libos, a, b) => {
  const pops = [libos.pop(b), libos.pop(b), libos.pop(b)] as const;
  libos.cancel(pops[0]);
  libos.cancel(pops[1]);
  send(libos, a, "data");
  assertEquals(pops.map((qt) => popped(libos, qt)), ["ECANCELED", "ECANCELED", "data"]);
});

eachOf(
  KINDS,
  "shutdown() of the write side ends the stream and leaves the other",
  (libos, a, b) => {
    send(libos, a, "request");
    libos.shutdown(a, "write");
    assertCode("EPIPE", () => {
      using sga = message(libos, "more");
      libos.push(a, sga);
    });
    assertEquals([receive(libos, b), receive(libos, b)], ["request", null]);
    send(libos, b, "response");
    libos.shutdown(b, "write");
    assertEquals([receive(libos, a), receive(libos, a)], ["response", null]);
  },
);

eachOf(KINDS, "shutdown() of the read side ends pops that wait", (libos, a) => {
  const pop = libos.pop(a);
  libos.shutdown(a, "read");
  assertEquals([popped(libos, pop), receive(libos, a)], [null, null]);
});

eachOf(KINDS, "shutdown() of both sides at once on both ends is the end of both", (libos, a, b) => {
  const pops = [libos.pop(a), libos.pop(b)];
  libos.shutdown(a, "both");
  libos.shutdown(b, "both");
  assertEquals(pops.map((qt) => popped(libos, qt)), [null, null]);
  libos.shutdown(a, "both");
});

eachOf(KINDS, "close() completes what is pending with ECANCELED", (libos, a) => {
  const pops = [libos.pop(a), libos.pop(a)];
  const { blocked } = fill(libos, a, 1 << 15);
  const waiting = libos.push(a, message(libos, "waits"));
  assertEquals(libos.statistics().pending, 4);
  libos.close(a);
  assertEquals(
    [...pops, blocked, waiting].map((qt) => outcome(libos, qt)),
    ["ECANCELED", "ECANCELED", "ECANCELED", "ECANCELED"],
  );
  assertEquals(libos.statistics().pending, 0);
  assertCode("EBADF", () => libos.pop(a));
});

eachOf(KINDS, "close() on both ends at once is the end, and frees both", (libos, a, b) => {
  const pops = [libos.pop(a), libos.pop(b)];
  libos.close(a);
  libos.close(b);
  assertEquals(pops.map((qt) => outcome(libos, qt)), ["ECANCELED", "ECANCELED"]);
  assertEquals(libos.statistics().queues, 0);
});

eachOf(KINDS, "a push that waits for room is whole, and in order", (libos, a, b) => {
  const { blocked, gone } = fill(libos, a, 40_000);
  const later = Array.from({ length: 5 }, () => libos.push(a, message(libos, 40_000)));
  for (let i = 0; i < gone + 6; i++) {
    let at = 0;
    while (at < 40_000) {
      const completion = libos.wait(libos.pop(b, 40_000 - at), WAIT);
      assert(completion.opcode === "pop" && completion.sga !== null);
      using sga = completion.sga;
      assertEquals(sga.toUint8Array(), pattern(sga.length, at), `message ${i} from ${at}`);
      at += sga.length;
    }
  }
  assertEquals([blocked, ...later].map((qt) => outcome(libos, qt)), new Array(6).fill("push"));
});

eachOf(STREAMS, "pop() with a size takes no more than that, and leaves the rest", (libos, a, b) => {
  send(libos, a, "abcdefgh");
  assertEquals(receive(libos, b, 3), "abc");
  assertEquals(receive(libos, b, 1), "d");
  assertEquals(receive(libos, b), "efgh");
  assertEquals(attempt(libos, libos.pop(b)), null);
  libos.close(b);
  assertEquals(libos.waitNextN(1).length, 1);
});

eachOf(STREAMS, "push() of nothing is done, and is not the end for the peer", (libos, a, b) => {
  send(libos, a, "");
  assertEquals(outcome(libos, libos.push(a, libos.alloc([0, 0]))), "push");
  send(libos, a, "data");
  assertEquals(receive(libos, b), "data");
});

eachOf(STREAMS, "push() that was cancelled half sent is sent whole", (libos, a, b) => {
  const { buffers } = libos.statistics();
  const { blocked, gone } = fill(libos, a);
  libos.cancel(blocked);
  assertEquals(outcome(libos, blocked), "ECANCELED");
  libos.push(a, message(libos, "next"));
  libos.shutdown(a, "write");
  let at = 0;
  const length = 1 << 18;
  for (;;) {
    const completion = libos.wait(libos.pop(b), WAIT);
    assert(completion.opcode === "pop");
    using sga = completion.sga;
    if (sga === null) break;
    const bytes = sga.toUint8Array();
    const end = (gone + 1) * length;
    for (let i = 0; i < bytes.length && at + i < end; i++) {
      if (bytes[i] !== ((at + i) % length) % 251) throw new Error(`torn at ${at + i}`);
    }
    at += bytes.length;
    if (at === end + 4) assertEquals(new TextDecoder().decode(bytes.slice(-4)), "next");
  }
  assertEquals(at, (gone + 1) * length + 4);
  assertEquals(libos.waitNextN(1).map(({ opcode }) => opcode), ["push"]);
  assertEquals(libos.statistics().buffers, buffers);
});

eachOf(KINDS, "push() that was cancelled before it began sends nothing", (libos, a, b) => {
  const { blocked } = fill(libos, a, 1 << 15);
  const pushes = ["one", "two", "three"].map((text) => libos.push(a, message(libos, text)));
  libos.cancel(pushes[1]!);
  libos.shutdown(a, "write");
  let end = "";
  for (;;) {
    const text = receive(libos, b);
    if (text === null) break;
    end = (end + text).slice(-8);
  }
  assertEquals(end, "onethree");
  assertEquals(
    [blocked, ...pushes].map((qt) => outcome(libos, qt)),
    ["push", "push", "ECANCELED", "push"],
  );
});

eachOf(
  KINDS,
  "shutdown() of the write side comes when all pushes that waited were cancelled",
  (libos, a, b) => {
    const { blocked } = fill(libos, a, 1 << 15);
    const waiting = libos.push(a, message(libos, "never"));
    libos.shutdown(a, "write");
    libos.cancel(waiting);
    libos.cancel(blocked);
    assertEquals([waiting, blocked].map((qt) => outcome(libos, qt)), ["ECANCELED", "ECANCELED"]);
    while (receive(libos, b) !== null);
  },
);

eachOf(
  KINDS,
  "shutdown() throws what the kernel says, but for a connection that is gone",
  (libos, a) => {
    using _ = failing("shutdown", ["ENOTCONN", "ENOBUFS"]);
    libos.shutdown(a, "read");
    assertCode("ENOBUFS", () => libos.shutdown(a, "read"));
  },
);
