/**
 * What one queue may do in a turn is bounded, and what is left over goes on in the next.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  connectedPair,
  freeAddress,
  listening,
  message,
  outcome,
  popped,
  send,
  withCatnap,
} from "./_catnap.ts";
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
