/**
 * Sockets of the native catloop: connections in shared memory.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, serve } from "../../libos/net/mod.ts";
import type { InetAddress } from "../../libos/pdpix.ts";
import { assertCode } from "../runtime/_assert.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";
import {
  assertFails,
  bound,
  closeAll,
  connected,
  isOver,
  listening,
  LOOPBACK,
  outcome,
  pattern,
  receive,
  receiveAll,
  send,
} from "./_sockets.ts";

testScenarios(import.meta, "catloop", {
  async "push() of 1 MB arrives whole, both ways at once"(libos) {
    const { client, server } = await connected(libos);
    const [one, other] = [pattern(1 << 20, 1), pattern(1 << 20, 2)];
    const pushed = [send(libos, client, one), send(libos, server, other)].map(outcome);
    const received = await Promise.all([
      receiveAll(libos, server, one.length),
      receiveAll(libos, client, other.length),
    ]);
    assertEquals(received, [one, other]);
    assertEquals(await Promise.all(pushed), ["ok", "ok"]);
    closeAll(libos, client, server);
  },

  async "push() waits for room, and is whole, in many segments and at every size"(libos) {
    const { client, server } = await connected(libos);
    const sizes = [1, 8191, 8192, 8193, 65_528, 65_535, 65_536, 0, 5];
    const sga = libos.alloc(sizes);
    sizes.forEach((_, i) => sga.bytes(i).set(pattern(sizes[i]!, i)));
    const sent = sga.toUint8Array();
    const pushed = outcome(libos.operations.push(client, sga));
    assertEquals(await isOver(pushed), false);
    assertEquals(await receiveAll(libos, server, sent.length), sent);
    assertEquals(await pushed, "ok");
    closeAll(libos, client, server);
  },

  async "pop() tells the end after all data when the peer closed with the ring full"(libos) {
    const { client, server } = await connected(libos);
    let count = 0;
    while (await isOver(outcome(send(libos, client, pattern(8191, count))), 5)) count++;
    assertEquals(await receiveAll(libos, server, 8191), pattern(8191, 0));
    let small = 0;
    while (await isOver(outcome(send(libos, client, pattern(1))), 5)) small++;
    assert(small > 0);
    libos.close(client);
    for (let i = 1; i <= count; i++) {
      assertEquals(await receiveAll(libos, server, 8191), pattern(8191, i));
    }
    assertEquals((await receiveAll(libos, server, small)).length, small);
    for (let i = 0; i < 3; i++) assertEquals(await receive(libos, server), null);
    libos.close(server);
  },

  async "close() fails what is pending with ECANCELED, at once"(libos) {
    const { client, server } = await connected(libos);
    const { qd: listener } = listening(libos);
    const outcomes = [
      outcome(libos.operations.pop(client)),
      outcome(send(libos, client, pattern(1 << 20))),
      outcome(libos.operations.accept(listener)),
    ];
    assertEquals(await isOver(Promise.race(outcomes)), false);
    const start = performance.now();
    closeAll(libos, client, listener);
    const took = performance.now() - start;
    assert(took < 20, `it took ${took} ms`);
    assertEquals(await Promise.all(outcomes), ["ECANCELED", "ECANCELED", "ECANCELED"]);
    libos.close(server);
  },

  async "cancel() of pops, pushes and accepts loses nothing"(libos) {
    const { qd: listener, address } = listening(libos);
    const accepting = libos.operations.accept(listener);
    accepting.cancel();
    await assertFails("ECANCELED", accepting);
    const client = libos.socket("inet", "stream");
    await libos.operations.connect(client, address);
    const server = await libos.operations.accept(listener);
    const popped = libos.operations.pop(server);
    popped.cancel();
    await assertFails("ECANCELED", popped);
    const first = send(libos, client, pattern(200_000, 1));
    const second = send(libos, client, pattern(10, 2));
    const third = send(libos, client, pattern(10, 3));
    const outcomes = [first, second, third].map((push) => outcome(push));
    assertEquals(await isOver(outcomes[0]!), false);
    first.cancel();
    second.cancel();
    assertEquals(await receiveAll(libos, server, 200_000), pattern(200_000, 1));
    assertEquals(await receiveAll(libos, server, 10), pattern(10, 3));
    assertEquals(await Promise.all(outcomes), ["ECANCELED", "ECANCELED", "ok"]);
    closeAll(libos, client, server, listener);
  },

  async "connect() is refused where nobody has the address"(libos) {
    const client = libos.socket("inet", "stream");
    const address = { hostname: "127.0.0.1", port: 1 };
    await assertFails("ECONNREFUSED", libos.operations.connect(client, address));
    await assertFails("ECONNREFUSED", libos.operations.connect(client, address));
    libos.close(client);
  },

  async "connect() of many at once gives each a connection of its own"(libos) {
    const { qd: listener, address } = listening(libos);
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const client = libos.socket("inet", "stream");
        await libos.operations.connect(client, address);
        await send(libos, client, pattern(10, i));
        return client;
      }).concat(
        Array.from({ length: 20 }, async () => {
          const server = await libos.operations.accept(listener);
          await libos.operations.push(server, (await libos.operations.pop(server))!);
          return server;
        }),
      ),
    );
    for (let i = 0; i < 20; i++) assertEquals(await receive(libos, clients[i]!), pattern(10, i));
    closeAll(libos, listener, ...clients);
  },

  async "connect() that waits for its turn ends when its socket is closed"(libos) {
    const { qd: listener, address } = listening(libos);
    const [first, second] = [libos.socket("inet", "stream"), libos.socket("inet", "stream")];
    const outcomes = [first, second].map((qd) => outcome(libos.operations.connect(qd, address)));
    assertEquals(await isOver(Promise.race(outcomes)), false);
    libos.close(second);
    assertEquals(await outcomes[1], "ECANCELED");
    const server = await libos.operations.accept(listener);
    assertEquals(await outcomes[0], "ok");
    closeAll(libos, first, server, listener);
  },

  async "bind() takes port 0, the wildcard and a port, each once"(libos) {
    const { qd, address } = bound(libos);
    assert(address.port > 0);
    const other = libos.socket("inet", "stream");
    assertCode("EADDRINUSE", () => libos.bind(other, address));
    assertCode("EADDRNOTAVAIL", () => libos.bind(other, { hostname: "192.0.2.1", port: 5000 }));
    libos.bind(other, { hostname: "0.0.0.0", port: 0 });
    const name = libos.getsockname(other) as InetAddress;
    assertEquals(name.hostname, "127.0.0.1");
    assert(name.port !== address.port);
    closeAll(libos, qd, other);
    await Promise.resolve();
    const again = libos.socket("inet", "stream");
    libos.bind(again, address);
    libos.close(again);
  },

  async "what the capabilities have not is refused"(libos) {
    assertCode("ENOTSUP", () => libos.socket("inet", "dgram"));
    assertCode("ENOTSUP", () => libos.socket("inet6", "stream"));
    assertCode("ENOTSUP", () => libos.pipe("x", "pop"));
    const { client, server } = await connected(libos);
    assertEquals(libos.getsockopt(client, "linger"), null);
    libos.setsockopt(client, "linger", 3);
    assertEquals(libos.getsockopt(client, "linger"), 3);
    assertCode("ENOTSUP", () => libos.shutdown(client, "write"));
    using sga = libos.alloc(1);
    assertCode("ENOTSUP", () => libos.pushTo(client, sga, LOOPBACK));
    assert((libos.getpeername(client) as InetAddress).port > 0);
    closeAll(libos, client, server);
  },

  async "serve() and connect() work with both kinds of coroutine"(libos) {
    const generator = serve({ libos, port: 0 }, function* (connection) {
      for (let sga; (sga = yield* connection.pop()) !== null;) yield* connection.push(sga);
    });
    const iterator = serve({ libos, port: 0 }, async (connection) => {
      for await (const sga of connection) await connection.push(sga);
    });
    for (const server of [generator, iterator]) {
      const answer = await libos.spawn(function* () {
        using connection = yield* connect({ libos, port: server.addr.port });
        yield* connection.push(pattern(100));
        using sga = yield* connection.pop();
        return sga!.toUint8Array();
      }());
      assertEquals(answer, pattern(100));
      using connection = await connect({ libos, port: server.addr.port });
      await connection.push(pattern(50));
      using sga = await connection.pop();
      assertEquals(sga!.toUint8Array(), pattern(50));
    }
    await Promise.all([generator.shutdown(), iterator.shutdown()]);
  },
});

await runChildren();
