/**
 * Accepting: in order, when nothing is left to accept with, and connections that are gone already.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import {
  accept,
  attempt,
  KINDS,
  listening,
  outcome,
  popped,
  receive,
  send,
  WAIT,
  withCatnap,
} from "./_catnap.ts";
import { failing, replaced } from "./_faults.ts";
import type { LibOS, QToken, QueueDescriptor, SocketAddress } from "../../libos/pdpix.ts";

/** Connects a client, and says its number. */
function connect(libos: LibOS, address: SocketAddress, number: number): QueueDescriptor {
  const qd = libos.socket("port" in address ? "inet" : "unix", "stream");
  assertEquals(outcome(libos, libos.connect(qd, address)), "connect");
  send(libos, qd, `${number}`);
  return qd;
}

for (const [domain, type] of KINDS) {
  Deno.test(`accept() completes in the order of the calls, and of the connections (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const listener = listening(libos, domain, type);
      const accepts = [1, 2, 3, 4].map(() => libos.accept(listener.qd));
      const clients = [1, 2, 3, 4].map((number) => {
        const qd = libos.socket(domain, type);
        const connected = libos.connect(qd, listener.address);
        assertEquals(outcome(libos, connected), "connect");
        send(libos, qd, `${number}`);
        return qd;
      });
      assertEquals(clients.length, 4);
      const told = accepts.map((qt) => {
        const completion = libos.wait(qt);
        return completion.opcode === "accept" ? receive(libos, completion.accepted) : completion;
      });
      assertEquals(told, ["1", "2", "3", "4"]);
    }));
}

Deno.test("accept() that was cancelled takes no connection", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const accepts = [libos.accept(listener.qd), libos.accept(listener.qd)] as const;
    libos.cancel(accepts[0]);
    connect(libos, listener.address, 1);
    const completion = libos.wait(accepts[1]);
    assertEquals(
      completion.opcode === "accept" && receive(libos, completion.accepted),
      "1",
    );
    assertEquals(outcome(libos, accepts[0]), "ECANCELED");
  }));

Deno.test("close() of a listener completes what waits on it with ECANCELED", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const accepts = [libos.accept(listener.qd), libos.accept(listener.qd)];
    libos.close(listener.qd);
    assertEquals(accepts.map((qt) => outcome(libos, qt)), ["ECANCELED", "ECANCELED"]);
    assertCode("EBADF", () => libos.accept(listener.qd));
  }));

for (const errno of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"] as const) {
  Deno.test(`accept() pauses on ${errno}, and loses no connection`, () =>
    withCatnap((libos) => {
      const listener = listening(libos);
      const clients = [1, 2].map((number) => connect(libos, listener.address, number));
      {
        using faults = failing("accept4", new Array(1000).fill(errno));
        const early = libos.accept(listener.qd);
        assertEquals(attempt(libos, early), null);
        const { calls } = faults;
        assertEquals(attempt(libos, early), null);
        assertEquals(faults.calls, calls, "it does not try again on each poll");
        libos.cancel(early);
        assertEquals(outcome(libos, early), "ECANCELED");
      }
      assertEquals([1, 2].map(() => receive(libos, accept(libos, listener.qd))), ["1", "2"]);
      assertEquals(clients.length, 2);
    }));
}

Deno.test("accept() goes on as soon as a queue was closed", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    connect(libos, listener.address, 1);
    const other = libos.socket("inet", "dgram");
    using faults = failing("accept4", ["EMFILE"]);
    const accepting = libos.accept(listener.qd);
    assertEquals(faults.calls, 1);
    libos.close(other);
    libos.poll();
    assertEquals(faults.calls, 2);
    assertEquals(outcome(libos, accepting), "accept");
  }));

Deno.test("accept() passes over connections that died in the backlog, and interruptions", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    connect(libos, listener.address, 1);
    using _ = failing("accept4", ["ECONNABORTED", "EINTR", "ENETDOWN", "EHOSTUNREACH"]);
    assertEquals(receive(libos, accept(libos, listener.qd)), "1");
  }));

Deno.test("accept() passes over many of them without a sleep in between", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    connect(libos, listener.address, 1);
    using _ = failing("accept4", new Array(200).fill("ECONNABORTED"));
    let sleeps = 0;
    using _sleeps = replaced("epoll_wait", (real) => (...args) => {
      if (args[3] !== 0) sleeps++;
      return real(...args);
    });
    const qd = accept(libos, listener.qd);
    assertEquals(sleeps, 0);
    assertEquals(receive(libos, qd), "1");
  }, { idle: "park" }));

Deno.test("accept() fails when the socket itself is bad", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    connect(libos, listener.address, 1);
    using _ = failing("accept4", ["EINVAL", "EAGAIN", "EPERM"]);
    assertEquals(outcome(libos, libos.accept(listener.qd)), "EINVAL");
    const [second, third] = [libos.accept(listener.qd), libos.accept(listener.qd)];
    connect(libos, listener.address, 2);
    assertEquals([outcome(libos, second), outcome(libos, third)], ["EPERM", "accept"]);
  }));

Deno.test("accept() passes over a connection that epoll cannot watch, and closes it", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const client = connect(libos, listener.address, 1);
    const { queues } = libos.statistics();
    let first: QToken;
    {
      using _ = failing("epoll_ctl", ["ENOSPC"]);
      first = libos.accept(listener.qd);
    }
    assertEquals(attempt(libos, first), null);
    assertEquals(libos.statistics().queues, queues);
    assertEquals(receive(libos, client), "ECONNRESET", "it closed with a byte unread");
    const second = libos.accept(listener.qd);
    connect(libos, listener.address, 2);
    connect(libos, listener.address, 3);
    const told = [first, second].map((qt) => {
      const completion = libos.wait(qt, WAIT);
      return completion.opcode === "accept" ? receive(libos, completion.accepted) : completion;
    });
    assertEquals(told, ["2", "3"]);
  }));

Deno.test("accept() that waits pauses when epoll cannot watch a connection", () =>
  withCatnap((libos) => {
    const listener = listening(libos);
    const waiting = libos.accept(listener.qd);
    using accepts = failing("accept4", []);
    using watches = failing("epoll_ctl", [null, "ENOMEM"]);
    const client = libos.socket("inet", "stream");
    assertEquals(outcome(libos, libos.connect(client, listener.address)), "connect");
    for (let i = 0; i < 8 && watches.calls < 2; i++) libos.poll();
    assertEquals(accepts.calls, 1);
    const second = connect(libos, listener.address, 2);
    libos.close(client);
    assertEquals(outcome(libos, waiting), "accept", "it goes on when a queue was closed");
    libos.close(second);
  }));

Deno.test("an overflowing backlog loses no connection", () =>
  withCatnap((libos) => {
    const listener = listening(libos, "inet", "stream", 1);
    const clients = Array.from({ length: 4 }, () => {
      const qd = libos.socket("inet", "stream");
      return { qd, qt: libos.connect(qd, listener.address) };
    });
    // The kernel drops what does not fit, and the clients ask again, after a second.
    for (let i = 0; i < 4; i++) send(libos, accept(libos, listener.qd), `number ${i}`);
    for (const { qt } of clients) assertEquals(outcome(libos, qt), "connect");
    const told = clients.map(({ qd }) => popped(libos, libos.pop(qd)));
    assertEquals(told.toSorted(), [0, 1, 2, 3].map((i) => `number ${i}`));
  }));
