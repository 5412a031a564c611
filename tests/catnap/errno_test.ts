/**
 * The errno of a call is read by a second one, and what V8 and Deno do in between may have left another (a file that is looked for
 * and is not there, say). A value that the call cannot have is not believed: the call is made again.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import {
  accept,
  connectedPair,
  drain,
  fill,
  freeAddress,
  listening,
  message,
  outcome,
  popped,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import { failing, lying, replaced } from "./_faults.ts";
import type { Domain, SocketType } from "../../libos/pdpix.ts";

const STREAMS: readonly (readonly [Domain, SocketType])[] = [
  ["inet", "stream"],
  ["unix", "stream"],
  ["unix", "seqpacket"],
];

for (const [domain, type] of STREAMS) {
  Deno.test(`a wrong errno ends no pop, and no push (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, domain, type);
      {
        send(libos, a, "all");
        // There may be more than what was asked for: the next pop looks.
        assertEquals(receive(libos, b, 3), "all");
        using lies = lying("recv", ["ENOENT", 0]);
        const pop = libos.pop(b);
        for (let i = 0; i < 8 && lies.calls < 2; i++) libos.poll();
        assertEquals(lies.calls, 2);
        send(libos, a, "waited for");
        assertEquals(popped(libos, pop), "waited for");
      }
      using lies = lying("send", ["ENOENT", 0]);
      const { blocked, gone } = fill(libos, a, 1 << 16);
      assertEquals(lies.calls, 2);
      drain(libos, b, (gone + 1) << 16);
      assertEquals(outcome(libos, blocked), "push");
    }));
}

Deno.test("a wrong errno ends no accept and no connect", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const connect = () => libos.connect(libos.socket("inet", "stream"), listener.address);
    const first = connect();
    accept(libos, listener.qd);
    assertEquals(outcome(libos, first), "connect");
    // There may be more than one: the next accept looks.
    using accepts = lying("accept4", ["ENOENT", 0]);
    const qt = libos.accept(listener.qd);
    for (let i = 0; i < 8 && accepts.calls < 2; i++) libos.poll();
    using connects = lying("connect", ["ENOENT", 0]);
    assertEquals([outcome(libos, connect()), outcome(libos, qt)], ["connect", "accept"]);
    const refused = libos.connect(libos.socket("inet", "stream"), freeAddress("inet"));
    assertEquals(outcome(libos, refused), "ECONNREFUSED");
    assertEquals([accepts.calls, connects.calls], [2, 2]);
  }));

Deno.test("a wrong errno ends no datagram", () =>
  withCatnap((libos) => {
    const [a, b] = [0, 1].map(() => {
      const qd = libos.socket("inet", "dgram");
      libos.bind(qd, freeAddress("inet"));
      return qd;
    }) as [number, number];
    const tell = (text: string) => libos.pushTo(a, message(libos, text), libos.getsockname(b));
    assertEquals([outcome(libos, tell("one")), receive(libos, b)], ["push", "one"]);
    using receives = lying("recvfrom", ["ENOENT", 0]);
    const pop = libos.pop(b);
    for (let i = 0; i < 8 && receives.calls < 2; i++) libos.poll();
    using sends = failing("sendto", ["ENOENT"]);
    assertEquals([outcome(libos, tell("two")), popped(libos, pop)], ["push", "two"]);
    assertEquals([receives.calls, sends.calls], [2, 2]);
  }));

for (const size of [8, 100_000]) {
  Deno.test(`a record of ${size} bytes that another process took meanwhile is no error`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, "unix", "seqpacket");
      send(libos, a, size);
      let calls = 0;
      using _ = replaced("recv", (real) => (...args) => ++calls === 2 ? 0 : real(...args));
      assertEquals(drain(libos, b, size).length, size);
    }));
}

Deno.test("what the kernel tells once, and what it tells again and again, is believed", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    send(libos, b, "wakes it");
    using once = failing("recv", ["ETIMEDOUT"]);
    assertEquals([receive(libos, a), once.calls], ["ETIMEDOUT", 1]);
    const [c, d] = connectedPair(libos);
    send(libos, c, "wakes it");
    using again = failing("recv", new Array(100).fill("ENOENT"));
    assertEquals(receive(libos, d), "ENOENT");
    assertGreater(100, again.calls);
  }));

Deno.test("shutdown() of what a reset closed is no error, whatever errno is left", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const client = libos.socket("inet", "stream");
    const connect = libos.connect(client, listener.address);
    const server = accept(libos, listener.qd);
    assertEquals(outcome(libos, connect), "connect");
    libos.setsockopt(server, "linger", 0);
    libos.close(server);
    using lies = lying("shutdown", ["ENOENT"]);
    libos.shutdown(client, "write");
    assertEquals(lies.calls, 1);
  }));
