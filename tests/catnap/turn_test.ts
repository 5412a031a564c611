/**
 * What one queue may do in a turn is bounded, and what is left over goes on in the next.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  connectedPair,
  drain,
  freeAddress,
  listening,
  message,
  outcome,
  pattern,
  popped,
  receive,
  send,
  STREAMS,
  withCatnap,
} from "./_catnap.ts";
import { failing, replaced } from "./_faults.ts";
import type { LibOS, QToken } from "../../libos/pdpix.ts";

/** More than a queue may do in one turn, several times. */
const MANY = 200;

/** How many operations one poll ends at most, until all of them have; asked before, and asked at once. */
function mostInOnePoll(libos: LibOS, tokens: readonly QToken[]): number {
  let most = 0;
  let { pending } = libos.statistics();
  for (let i = 0; i < 10 * MANY && pending > 0; i++) {
    libos.poll();
    const left = libos.statistics().pending;
    most = Math.max(most, pending - left);
    pending = left;
  }
  assertEquals(pending, 0);
  assertEquals(new Set(tokens).size, MANY);
  return most;
}

for (const early of [true, false]) {
  const when = early ? "that waited" : "asked for at once";

  Deno.test(`pops of a stream ${when} end in several turns`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos);
      if (!early) send(libos, a, "x".repeat(MANY));
      const pops = Array.from({ length: MANY }, () => libos.pop(b, 1));
      if (early) send(libos, a, "x".repeat(MANY));
      assertEquals(mostInOnePoll(libos, pops) <= 32, true);
      for (const pop of pops) assertEquals(popped(libos, pop), "x");
    }));

  Deno.test(`pops of datagrams ${when} end in several turns`, () =>
    withCatnap((libos) => {
      const qd = libos.socket("inet", "dgram");
      libos.bind(qd, freeAddress("inet"));
      const to = libos.getsockname(qd);
      const sendAll = () => {
        for (let i = 0; i < MANY; i++) {
          assertEquals(outcome(libos, libos.pushTo(qd, message(libos, `${i}`), to)), "push");
        }
      };
      if (!early) sendAll();
      libos.poll();
      const pops = Array.from({ length: MANY }, () => libos.pop(qd));
      if (early) sendAll();
      assertEquals(mostInOnePoll(libos, pops) <= 32, true);
      assertEquals(pops.map((qt) => popped(libos, qt)), pops.map((_, i) => `${i}`));
    }));

  Deno.test(`accepts ${when} end in several turns`, () =>
    withCatnap((libos) => {
      const { qd, address } = listening(libos);
      const connectAll = () => {
        for (let i = 0; i < MANY; i++) {
          const client = libos.socket("inet", "stream");
          assertEquals(outcome(libos, libos.connect(client, address)), "connect");
        }
      };
      if (!early) connectAll();
      const accepts = Array.from({ length: MANY }, () => libos.accept(qd));
      if (early) connectAll();
      assertEquals(mostInOnePoll(libos, accepts) <= 32, true);
      for (const qt of accepts) assertEquals(outcome(libos, qt), "accept");
    }));
}

Deno.test("a queue that has much to do does not hold up its neighbour", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const [c, d] = connectedPair(libos);
    const pops = Array.from({ length: MANY }, () => libos.pop(b, 1));
    const neighbour = libos.pop(d);
    send(libos, a, "x".repeat(MANY));
    send(libos, c, "me too");
    assertEquals(popped(libos, neighbour), "me too");
    assertEquals(libos.statistics().pending > 0, true);
    for (const pop of pops) assertEquals(popped(libos, pop), "x");
  }));

Deno.test("pushes of a stream that waited end in several turns", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    using _ = failing("send", ["EAGAIN"]);
    const pushes = Array.from({ length: MANY }, () => libos.push(a, message(libos, "x")));
    assertEquals(libos.statistics().pending, MANY);
    send(libos, b, "epoll tells of room, too");
    assertEquals(mostInOnePoll(libos, pushes) <= 32, true);
    for (const push of pushes) assertEquals(outcome(libos, push), "push");
    assertEquals(drain(libos, b, MANY).length, MANY);
  }));

Deno.test("pushes of datagrams that waited end in several turns", () =>
  withCatnap((libos) => {
    const qd = libos.socket("inet", "dgram");
    libos.bind(qd, freeAddress("inet"));
    const other = libos.socket("inet", "dgram");
    libos.bind(other, freeAddress("inet"));
    const to = libos.getsockname(other);
    libos.poll();
    using _ = failing("sendto", ["EAGAIN"]);
    const pushes = Array.from({ length: MANY }, () => libos.pushTo(qd, message(libos, "x"), to));
    assertEquals(libos.statistics().pending, MANY);
    const wake = libos.pushTo(other, message(libos, "room"), libos.getsockname(qd));
    assertEquals(outcome(libos, wake), "push");
    assertEquals(mostInOnePoll(libos, pushes) <= 32, true);
    for (const push of pushes) assertEquals(outcome(libos, push), "push");
  }));

Deno.test("push() of much is sent in several turns, though the kernel would take it at once", () =>
  withCatnap((libos) => {
    const [a] = connectedPair(libos);
    let sent = 0;
    using _ = replaced("send", () => (_fd, _buffer, length) => {
      sent += Number(length);
      return Number(length);
    });
    const pushes = [8, 8].map((size) => libos.push(a, libos.alloc(size << 20)));
    assertEquals(sent, 1 << 20);
    for (let turns = 1; turns < 16; turns++) {
      assertEquals(libos.poll() > 0, true, "who has much to do does not sleep");
      assertEquals(sent, (turns + 1) << 20);
    }
    assertEquals(pushes.map((qt) => outcome(libos, qt)), ["push", "push"]);
  }));

Deno.test("pops are served while one push takes many turns", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    send(libos, b, "data");
    using _ = replaced("send", () => (_fd, _buffer, length) => Number(length));
    const push = libos.push(a, libos.alloc(64 << 20));
    assertEquals(receive(libos, a), "data");
    assertEquals(libos.statistics().pending, 1);
    libos.close(a);
    assertEquals(outcome(libos, push), "ECANCELED");
  }));

for (const [domain, type] of STREAMS) {
  Deno.test(`push() of much comes whole, of one segment or many (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, domain, type);
      const sga = libos.alloc([3 << 20, 1, 2 << 20]);
      for (let i = 0, at = 0; i < sga.numsegs; at += sga.bytes(i).length, i++) {
        sga.bytes(i).set(pattern(sga.bytes(i).length, at));
      }
      const { length } = sga;
      const pushes = [libos.push(a, sga), libos.push(a, message(libos, 3 << 20))];
      const got = drain(libos, b, length + (3 << 20));
      assertEquals(got.findIndex((byte, i) => byte !== (i < length ? i : i - length) % 251), -1);
      assertEquals(pushes.map((qt) => outcome(libos, qt)), ["push", "push"]);
    }));
}

Deno.test("push() of a large record is sent at once, as it would be torn", () =>
  withCatnap((libos) => {
    const [a] = connectedPair(libos, "unix", "seqpacket");
    using _ = replaced("send", () => (_fd, _buffer, length) => Number(length));
    const push = libos.push(a, libos.alloc(3 << 20));
    assertEquals(libos.statistics().pending, 0);
    assertEquals(outcome(libos, push), "push");
  }));
