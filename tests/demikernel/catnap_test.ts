/**
 * Sockets of the native catnap.
 *
 * @module
 */

import { createSocket } from "node:dgram";
import { assert, assertEquals } from "@std/assert";
import { open } from "../../libos/open.ts";
import { connect, serve } from "../../libos/net/mod.ts";
import type { InetAddress, LibOS } from "../../libos/pdpix.ts";
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

/** Half of a megabyte more than the kernel and the library hold of what nobody reads. */
const LARGE = 16 << 20;

/** A connection of Deno's own to a socket of the libOS. */
async function denoPair(libos: LibOS): Promise<{ server: number; peer: Deno.TcpConn }> {
  const { qd, address } = listening(libos);
  const accepting = Promise.resolve(libos.operations.accept(qd));
  const peer = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
  const server = await accepting;
  libos.close(qd);
  return { server, peer };
}

testScenarios(import.meta, "catnap", {
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

  async "push() arrives whole at every size about the limits"(libos) {
    const { client, server } = await connected(libos);
    for (const size of [1, 8191, 8192, 8193, 65534, 65535, 65536, 131_070, 131_071]) {
      const sent = pattern(size, size);
      await send(libos, client, sent);
      assertEquals(await receiveAll(libos, server, size), sent);
    }
    await send(libos, client, new Uint8Array(0));
    closeAll(libos, client, server);
  },

  async "push() gathers many segments"(libos) {
    const { client, server } = await connected(libos);
    const sizes = [0, 1, 70_000, 0, 3, 65_535, 12];
    const sga = libos.alloc(sizes);
    sizes.forEach((_, i) => sga.bytes(i).set(pattern(sizes[i]!, i)));
    const sent = sga.toUint8Array();
    const thousand = libos.alloc(new Array(1000).fill(7));
    for (let i = 0; i < 1000; i++) thousand.bytes(i).set(pattern(7, i));
    const sentToo = thousand.toUint8Array();
    const pushed = [libos.operations.push(client, sga), libos.operations.push(client, thousand)];
    assertEquals(await receiveAll(libos, server, sent.length), sent);
    assertEquals(await receiveAll(libos, server, sentToo.length), sentToo);
    for (const one of pushed) await one;
    closeAll(libos, client, server);
  },

  async "operations complete in the order they were asked for"(libos) {
    const { client, server } = await connected(libos);
    const order: string[] = [];
    const all = Array.from({ length: 50 }, async (_, i) => {
      const popped = await receive(libos, server, 100);
      assertEquals(popped, pattern(100, i));
      order.push(`pop ${i}`);
    });
    for (let i = 0; i < 50; i++) {
      all.push(
        Promise.resolve(send(libos, client, pattern(100, i))).then(() => {
          order.push(`push ${i}`);
        }),
      );
    }
    await Promise.all(all);
    for (const kind of ["pop", "push"]) {
      const seen = order.filter((one) => one.startsWith(`${kind} `));
      assertEquals(seen, Array.from({ length: 50 }, (_, i) => `${kind} ${i}`));
    }
    closeAll(libos, client, server);
  },

  async "pop() gives at most the size, and the rest to those after it"(libos) {
    const { client, server } = await connected(libos);
    await send(libos, client, pattern(10_000));
    const parts: number[] = [];
    const sizes = [1, 2, 3000, 0];
    for (let at = 0; at < 10_000;) {
      const size = sizes[parts.length % sizes.length]!;
      const part = (await receive(libos, server, size))!;
      assertEquals(part, pattern(10_000).subarray(at, at + part.length));
      assert(size === 0 || part.length <= size);
      parts.push(at += part.length);
    }
    closeAll(libos, client, server);
  },

  async "pop() gives null again and again when the peer closed"(libos) {
    const { client, server } = await connected(libos);
    await send(libos, client, pattern(5));
    libos.close(client);
    assertEquals(await receive(libos, server), pattern(5));
    for (let i = 0; i < 3; i++) assertEquals(await receive(libos, server), null);
    libos.close(server);
  },

  async "push() still works when the peer has only closed its side"(libos) {
    const { server, peer } = await denoPair(libos);
    await peer.closeWrite();
    assertEquals(await receive(libos, server), null);
    await send(libos, server, pattern(300));
    const buffer = new Uint8Array(400);
    assertEquals(await peer.read(buffer), 300);
    peer.close();
    libos.close(server);
  },

  async "pushes that are pending fail when the peer closes and resets, and pops give its end"(
    libos,
  ) {
    const { server, peer } = await denoPair(libos);
    const popped = receive(libos, server);
    const pushes = [send(libos, server, pattern(LARGE)), send(libos, server, pattern(1))];
    const outcomes = pushes.map((push) => outcome(push));
    assertEquals(await isOver(Promise.race([popped, ...outcomes])), false);
    // Deno sends its end; then, as there is data that it has not read, the kernel sends a reset.
    peer.close();
    assertEquals(await Promise.all(outcomes), ["ECONNRESET", "ECONNRESET"]);
    assertEquals(await popped, null);
    await assertFails("ECONNRESET", send(libos, server, pattern(1)));
    assertEquals(await receive(libos, server), null);
    libos.close(server);
  },

  async "connect() fails, and goes on to fail, when nobody listens"(libos) {
    const { qd, address } = bound(libos);
    const client = libos.socket("inet", "stream");
    await assertFails("ECONNABORTED", libos.operations.connect(client, address));
    await assertFails("ECONNABORTED", libos.operations.connect(client, address));
    using sga = libos.alloc(1);
    assertCode("ENOTCONN", () => libos.push(client, sga));
    assertCode("ENOTCONN", () => libos.pop(client));
    closeAll(libos, client, qd);
  },

  async "connect() tells what is wrong with the state"(libos) {
    const { qd: listener, address } = listening(libos);
    assertCode("ENOTSUP", () => libos.connect(listener, address));
    const client = libos.socket("inet", "stream");
    const connecting = libos.operations.connect(client, address);
    assertCode("EINPROGRESS", () => libos.connect(client, address));
    assertCode("EINVAL", () => libos.bind(client, LOOPBACK));
    assertCode("EADDRINUSE", () => libos.listen(client));
    await connecting;
    assertCode("EISCONN", () => libos.connect(client, address));
    assertCode("EISCONN", () => libos.listen(client));
    assertCode("EINVAL", () => libos.bind(client, LOOPBACK));
    closeAll(libos, client, listener);
  },

  async "connect() that was cancelled goes on, and the socket can be closed"(libos) {
    const { qd: listener, address } = listening(libos);
    const client = libos.socket("inet", "stream");
    const connecting = libos.operations.connect(client, address);
    connecting.cancel();
    await assertFails("ECANCELED", connecting);
    const server = await libos.operations.accept(listener);
    libos.close(client);
    assertEquals(await receive(libos, server), null);
    closeAll(libos, server, listener);
  },

  async "accept() that was cancelled leaves its connection to the next one"(libos) {
    const { qd: listener, address } = listening(libos);
    const [first, second] = [libos.operations.accept(listener), libos.operations.accept(listener)];
    first.cancel();
    second.cancel();
    await assertFails("ECANCELED", first);
    await assertFails("ECANCELED", second);
    const client = libos.socket("inet", "stream");
    await libos.operations.connect(client, address);
    await send(libos, client, pattern(3));
    // Time for the accept that is still under way to find it.
    assertEquals(await isOver(new Promise(() => {})), false);
    const server = await libos.operations.accept(listener);
    assertEquals(await receive(libos, server), pattern(3));
    closeAll(libos, client, server, listener);
  },

  async "close() of a listener closes the connections that nobody took"(libos) {
    const { qd: listener, address } = listening(libos);
    const accepting = libos.operations.accept(listener);
    accepting.cancel();
    await assertFails("ECANCELED", accepting);
    const peer = await Deno.connect({ hostname: "127.0.0.1", port: address.port });
    assertEquals(await isOver(new Promise(() => {})), false);
    libos.close(listener);
    const read = peer.read(new Uint8Array(1));
    assertEquals(await read.catch(() => null), null);
    peer.close();
  },

  async "cancel() of a pop loses nothing"(libos) {
    const { client, server } = await connected(libos);
    for (let i = 0; i < 5; i++) {
      const popped = libos.operations.pop(server);
      popped.cancel();
      await assertFails("ECANCELED", popped);
      await send(libos, client, pattern(1000, i));
      assertEquals(await receiveAll(libos, server, 1000), pattern(1000, i));
    }
    closeAll(libos, client, server);
  },

  async "cancel() of a push leaves the stream whole"(libos) {
    const { server, peer } = await denoPair(libos);
    const first = send(libos, server, pattern(LARGE, 1));
    const second = send(libos, server, pattern(1000, 2));
    const third = send(libos, server, pattern(1000, 3));
    const outcomes = [first, second, third].map((push) => outcome(push));
    assertEquals(await isOver(outcomes[0]!), false);
    first.cancel();
    second.cancel();
    // Half of the first is on its way, so the rest follows; of the second nothing is.
    const received = new Uint8Array(LARGE + 1000);
    for (let at = 0; at < received.length;) at += (await peer.read(received.subarray(at)))!;
    assertEquals(received.subarray(0, LARGE), pattern(LARGE, 1));
    assertEquals(received.subarray(LARGE), pattern(1000, 3));
    assertEquals(await Promise.all(outcomes), ["ECANCELED", "ECANCELED", "ok"]);
    peer.close();
    libos.close(server);
  },

  async "operations with a timeout fail with ETIMEDOUT, and nothing is lost"(libos) {
    const { client, server } = await connected(libos);
    await assertFails("ETIMEDOUT", libos.operations.pop(server).within({ timeout: 5 }));
    await send(libos, client, pattern(8));
    assertEquals(await receive(libos, server), pattern(8));
    const token = libos.pop(server);
    assertCode("ETIMEDOUT", () => libos.wait(token, 0));
    assertCode("ETIMEDOUT", () => libos.wait(token, 5));
    await send(libos, client, pattern(4));
    const completion = libos.wait(token);
    assert(completion.opcode === "pop");
    assertEquals(completion.sga!.toUint8Array(), pattern(4));
    completion.sga!.free();
    closeAll(libos, client, server);
  },

  async "close() fails all that is pending with ECANCELED"(libos) {
    const { server, peer } = await denoPair(libos);
    const { qd: listener } = listening(libos);
    const udp = bound(libos, "dgram");
    const outcomes = [
      outcome(libos.operations.pop(server)),
      outcome(send(libos, server, pattern(LARGE))),
      outcome(send(libos, server, pattern(1))),
      outcome(libos.operations.accept(listener)),
      outcome(libos.operations.pop(udp.qd)),
    ];
    assertEquals(await isOver(Promise.race(outcomes)), false);
    closeAll(libos, server, listener, udp.qd);
    assertEquals(await Promise.all(outcomes), new Array(5).fill("ECANCELED"));
    peer.close();
  },

  async "close() takes less than 20 ms whatever is pending"(libos) {
    const { server, peer } = await denoPair(libos);
    const { client: one, server: other } = await connected(libos);
    const pushed = outcome(send(libos, server, pattern(LARGE)));
    assertEquals(await isOver(pushed), false);
    const start = performance.now();
    closeAll(libos, server, one, other);
    const took = performance.now() - start;
    assert(took < 20, `it took ${took} ms`);
    assertEquals(await pushed, "ECANCELED");
    peer.close();
  },

  async "bind() takes port 0, the wildcard and a port, and tells where it is"(libos) {
    for (const type of ["stream", "dgram"] as const) {
      const first = bound(libos, type);
      assertEquals(first.address.hostname, "127.0.0.1");
      assert(first.address.port > 0);
      const wild = libos.socket("inet", type);
      libos.bind(wild, { hostname: "0.0.0.0", port: 0 });
      const { hostname, port } = libos.getsockname(wild) as InetAddress;
      assertEquals(hostname, "127.0.0.1");
      assert(port > 0 && port !== first.address.port);
      assertCode("EINVAL", () => libos.bind(wild, LOOPBACK));
      const taken = libos.socket("inet", type);
      assertCode("EADDRINUSE", () => libos.bind(taken, first.address));
      assertCode("EADDRNOTAVAIL", () => libos.bind(taken, { hostname: "192.0.2.1", port: 5000 }));
      assertCode("EAFNOSUPPORT", () => libos.bind(taken, { path: "/x" }));
      libos.bind(taken, LOOPBACK);
      closeAll(libos, first.qd, wild, taken);
      // A closed address can be had again.
      const again = libos.socket("inet", type);
      libos.bind(again, first.address);
      libos.close(again);
    }
    await Promise.resolve();
  },

  async "names of connected sockets are each other's"(libos) {
    const { qd: listener, address } = listening(libos);
    const { qd: client, address: from } = bound(libos);
    const accepting = libos.operations.accept(listener);
    assertCode("ENOTCONN", () => libos.getpeername(client));
    await libos.operations.connect(client, address);
    const server = await accepting;
    assertEquals(libos.getpeername(client), address);
    assertEquals(libos.getsockname(client), from);
    assertEquals(libos.getpeername(server), from);
    assertEquals(libos.getsockname(server), address);
    closeAll(libos, client, server, listener);
    const fresh = libos.socket("inet", "stream");
    assertEquals(libos.getsockname(fresh), { hostname: "0.0.0.0", port: 0 });
    libos.close(fresh);
  },

  "listen() takes every backlog, and tells what is wrong with the state"(libos) {
    for (const backlog of [1, 4096, 4097, 65535]) {
      const { qd } = bound(libos);
      libos.listen(qd, backlog);
      assertCode("EADDRINUSE", () => libos.listen(qd, backlog));
      libos.close(qd);
    }
    const qd = libos.socket("inet", "stream");
    assertCode("EDESTADDRREQ", () => libos.listen(qd));
    assertCode("EINVAL", () => libos.accept(qd));
    libos.close(qd);
    const udp = libos.socket("inet", "dgram");
    assertCode("ENOTSUP", () => libos.listen(udp));
    assertCode("ENOTSUP", () => libos.accept(udp));
    libos.close(udp);
  },

  async "setsockopt() has linger, and nothing else"(libos) {
    const { client, server } = await connected(libos);
    assertEquals(libos.getsockopt(client, "linger"), null);
    libos.setsockopt(client, "linger", 5);
    assertEquals(libos.getsockopt(client, "linger"), 5);
    libos.setsockopt(client, "linger", null);
    assertEquals(libos.getsockopt(client, "linger"), null);
    for (const value of [-1, 0.5, NaN, 40_000, "1" as unknown as number]) {
      assertCode("EINVAL", () => libos.setsockopt(client, "linger", value));
    }
    for (const option of ["nodelay", "keepalive", "reusePort", "sendBuffer"] as const) {
      assertCode("ENOPROTOOPT", () => libos.getsockopt(client, option));
      assertCode("ENOPROTOOPT", () => libos.setsockopt(client, option, true as never));
    }
    closeAll(libos, client, server);
  },

  async "what the capabilities have not is refused with ENOTSUP"(libos) {
    assertEquals(libos.capabilities, {
      domains: ["inet"],
      types: ["stream", "dgram"],
      options: ["linger"],
      halfClose: false,
      storage: false,
      pipes: false,
      closesAtOnce: true,
      parks: false,
      blocks: true,
    });
    assertCode("ENOTSUP", () => libos.socket("inet6", "stream"));
    assertCode("ENOTSUP", () => libos.socket("unix", "stream"));
    assertCode("ENOTSUP", () => libos.socket("inet", "seqpacket"));
    assertCode("ENOTSUP", () => libos.pipe("x", "pop"));
    assertCode("ENOTSUP", () => libos.open("x"));
    const { client, server } = await connected(libos);
    for (const how of ["read", "write", "both"] as const) {
      assertCode("ENOTSUP", () => libos.shutdown(client, how));
    }
    using sga = libos.alloc(1);
    assertCode("ENOTSUP", () => libos.pushTo(client, sga, LOOPBACK));
    closeAll(libos, client, server);
  },

  async "datagrams arrive whole, from whom they tell, and cut to the size"(libos) {
    const [one, other] = [bound(libos, "dgram"), bound(libos, "dgram")];
    for (const size of [1, 100, 8192]) {
      const sga = libos.alloc(size);
      sga.bytes().set(pattern(size));
      await libos.operations.pushTo(one.qd, sga, other.address);
      using popped = (await libos.operations.pop(other.qd))!;
      assertEquals(popped.toUint8Array(), pattern(size));
      assertEquals([popped.address, popped.truncated], [one.address, false]);
    }
    for (const size of [10, 99, 100, 101]) {
      const sga = libos.alloc([50, 50]);
      await libos.operations.pushTo(one.qd, sga, other.address);
      using popped = (await libos.operations.pop(other.qd, size))!;
      assertEquals([popped.length, popped.truncated], [Math.min(size, 100), size < 100]);
    }
    using none = libos.alloc(0);
    assertCode("ENOTSUP", () => libos.pushTo(one.qd, none, other.address));
    using large = libos.alloc(65_508);
    assertCode("EMSGSIZE", () => libos.pushTo(one.qd, large, other.address));
    using homeless = libos.alloc(1);
    assertCode("EDESTADDRREQ", () => libos.push(one.qd, homeless));
    closeAll(libos, one.qd, other.qd);
  },

  async "pop() of a datagram goes on whatever anybody sends, and wherever one was sent"(libos) {
    const { qd, address } = bound(libos, "dgram");
    const nobody = bound(libos, "dgram");
    libos.close(nobody.qd);
    await libos.operations.pushTo(qd, libos.alloc(1), nobody.address);
    const sender = createSocket("udp4");
    for (const size of [0, 1, 0, 0, 2, 9000, 65_507, 3]) {
      await new Promise((resolve) => sender.send(new Uint8Array(size), address.port, resolve));
    }
    for (const size of [1, 2, 8192, 8192, 3]) {
      assertEquals((await receive(libos, qd))?.length, size);
    }
    sender.close();
    libos.close(qd);
  },

  async "a connected datagram socket talks to its peer alone"(libos) {
    const [one, other, third] = [1, 2, 3].map(() => bound(libos, "dgram"));
    const unbound = libos.socket("inet", "dgram");
    assertCode("EDESTADDRREQ", () => libos.pop(unbound));
    assertCode("ENOTCONN", () => libos.getpeername(one!.qd));
    await libos.operations.connect(one!.qd, other!.address);
    assertEquals(libos.getpeername(one!.qd), other!.address);
    await libos.operations.pushTo(third!.qd, libos.alloc(3), one!.address);
    await libos.operations.pushTo(other!.qd, libos.alloc(4), one!.address);
    using popped = (await libos.operations.pop(one!.qd))!;
    assertEquals([popped.length, popped.address], [4, other!.address]);
    await send(libos, one!.qd, pattern(5));
    using got = (await libos.operations.pop(other!.qd))!;
    assertEquals([got.length, got.address], [5, one!.address]);
    // An unbound one gets an address with its first push.
    await libos.operations.pushTo(unbound, libos.alloc(6), third!.address);
    using last = (await libos.operations.pop(third!.qd))!;
    assertEquals([last.length, last.address], [6, libos.getsockname(unbound) as InetAddress]);
    closeAll(libos, one!.qd, other!.qd, third!.qd, unbound);
  },

  async "cancel() of a datagram's pop loses nothing"(libos) {
    const [one, other] = [bound(libos, "dgram"), bound(libos, "dgram")];
    const popped = libos.operations.pop(other.qd);
    popped.cancel();
    await assertFails("ECANCELED", popped);
    for (const size of [1, 2]) {
      await libos.operations.pushTo(one.qd, libos.alloc(size), other.address);
    }
    for (const size of [1, 2]) assertEquals((await receive(libos, other.qd))?.length, size);
    closeAll(libos, one.qd, other.qd);
  },

  async "a hundred connections are served at once"(libos) {
    const { qd: listener, address } = listening(libos);
    const accepting = Array.from(
      { length: 100 },
      () => Promise.resolve(libos.operations.accept(listener)),
    );
    const clients = await Promise.all(Array.from({ length: 100 }, async () => {
      const client = libos.socket("inet", "stream");
      await libos.operations.connect(client, address);
      return client;
    }));
    const servers = await Promise.all(accepting);
    const echoes = servers.map(async (server) => {
      for (let i = 0; i < 10; i++) {
        const sga = (await libos.operations.pop(server))!;
        await libos.operations.push(server, sga);
      }
    });
    await Promise.all(clients.map(async (client, seed) => {
      for (let i = 0; i < 10; i++) {
        await send(libos, client, pattern(64, seed + i));
        assertEquals(await receive(libos, client), pattern(64, seed + i));
      }
    }));
    await Promise.all(echoes);
    closeAll(libos, listener, ...clients, ...servers);
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

  async "exit() lets the next libOS of the same kind begin anew"(libos) {
    assertCode("EBUSY", () => open({ libos: "demikernel:catnap" }));
    assertCode("EBUSY", () => open({ libos: "demikernel:catmem" }));
    await Promise.resolve();
    assertEquals(libos.statistics().queues, 0);
  },
});

await runChildren();
