/**
 * Connections that break: resets, broken pipes, and errors in the middle of a call.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  accept,
  attempt,
  connectedPair,
  drain,
  fill,
  listening,
  message,
  outcome,
  popped,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";
import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";

/** Closes a socket so that its peer gets a reset. */
function reset(libos: LibOS, qd: QueueDescriptor): void {
  libos.setsockopt(qd, "linger", 0);
  libos.close(qd);
}

Deno.test("a reset wakes every pending operation with ECONNRESET, and those that come", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const { blocked } = fill(libos, a);
    const waiting = libos.push(a, message(libos, "waits"));
    const pops = [libos.pop(a), libos.pop(a)];
    reset(libos, b);
    const pending = [...pops, blocked, waiting];
    assertEquals(pending.map((qt) => outcome(libos, qt)), new Array(4).fill("ECONNRESET"));
    assertEquals(outcome(libos, libos.pop(a)), "ECONNRESET");
    assertEquals(outcome(libos, libos.push(a, message(libos, "late"))), "ECONNRESET");
  }));

Deno.test("a reset that a push finds first is no end of the stream for the pops", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const pops = [libos.pop(a), libos.pop(a)];
    reset(libos, b);
    assertEquals(outcome(libos, libos.push(a, message(libos, "finds it"))), "ECONNRESET");
    assertEquals(pops.map((qt) => outcome(libos, qt)), ["ECONNRESET", "ECONNRESET"]);
    assertEquals(outcome(libos, libos.pop(a)), "ECONNRESET");
  }));

Deno.test("what came before a reset is popped all the same", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    send(libos, b, "data");
    reset(libos, b);
    assertEquals([receive(libos, a), receive(libos, a)], ["data", "ECONNRESET"]);
  }));

Deno.test("a reset of an accepted connection that waited in the backlog fails its first pop", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const client = libos.socket("inet", "stream");
    assertEquals(outcome(libos, libos.connect(client, listener.address)), "connect");
    reset(libos, client);
    const server = accept(libos, listener.qd);
    assertEquals(receive(libos, server), "ECONNRESET");
  }));

for (const type of ["stream", "seqpacket"] as const) {
  Deno.test(`push() fails with ECONNRESET and no signal once the peer is gone (unix ${type})`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, "unix", type);
      send(libos, b, "one");
      send(libos, b, "two");
      libos.close(b);
      assertEquals(outcome(libos, libos.push(a, message(libos, "nobody"))), "ECONNRESET");
      assertEquals(receive(libos, a, 3), "one");
      assertEquals([receive(libos, a), receive(libos, a)], ["two", null]);
    }));
}

Deno.test("push() fails with ECONNRESET for those that wait when the peer goes (unix stream)", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "stream");
    const { blocked } = fill(libos, a);
    const waiting = libos.push(a, message(libos, "waits"));
    libos.close(b);
    assertEquals([blocked, waiting].map((qt) => outcome(libos, qt)), ["ECONNRESET", "ECONNRESET"]);
  }));

Deno.test("push() goes on after EINTR and after EAGAIN", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    using faults = failing("send", ["EINTR", "EINTR", null, "EAGAIN"]);
    send(libos, a, "interrupted");
    const push = libos.push(a, message(libos, "later"));
    assertEquals(faults.calls, 4);
    assertEquals(attempt(libos, push), null, "epoll has nothing new to tell");
    assertEquals(receive(libos, b), "interrupted");
    libos.close(a);
    assertEquals(outcome(libos, push), "ECANCELED");
  }));

Deno.test("pop() goes on after EINTR and after EAGAIN", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    using faults = failing("recv", ["EINTR", "EAGAIN"]);
    const pop = libos.pop(b);
    send(libos, a, "one");
    for (let i = 0; i < 8 && faults.calls < 2; i++) libos.poll();
    send(libos, a, "two");
    assertEquals(popped(libos, pop), "onetwo");
  }));

Deno.test("an error of the network breaks the connection for all operations alike", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const pops = [libos.pop(b), libos.pop(b)];
    const { blocked } = fill(libos, b);
    using _ = failing("recv", ["ETIMEDOUT"]);
    send(libos, a, "wakes it");
    assertEquals(
      [...pops, blocked].map((qt) => outcome(libos, qt)),
      ["ETIMEDOUT", "ETIMEDOUT", "ETIMEDOUT"],
    );
    assertEquals(outcome(libos, libos.push(b, message(libos, "x"))), "ETIMEDOUT");
    assertEquals(outcome(libos, libos.pop(b)), "ETIMEDOUT");
  }));

Deno.test("push() sends on from where the kernel stopped, whatever it took of it", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    libos.setsockopt(a, "sendBuffer", 4608);
    libos.setsockopt(b, "receiveBuffer", 4608);
    const sizes = [1, 5000, 64, 0, 70_000, 3];
    const sga = libos.alloc(sizes);
    let at = 0;
    sizes.forEach((size, i) => {
      for (let j = 0; j < size; j++) sga.bytes(i)[j] = at++ % 251;
    });
    const push = libos.push(a, sga);
    const got = drain(libos, b, at);
    assert(got.every((byte, i) => byte === i % 251));
    assertEquals(outcome(libos, push), "push");
  }));

Deno.test("a reset fails pushes that wait, also where records came before it (unix seqpacket)", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    send(libos, b, "record");
    const { blocked } = fill(libos, a, 1 << 12);
    libos.close(b);
    assertEquals(receive(libos, a), "record");
    assertEquals(outcome(libos, blocked), "ECONNRESET");
    assertEquals([receive(libos, a), receive(libos, a)], ["ECONNRESET", "ECONNRESET"]);
  }));
