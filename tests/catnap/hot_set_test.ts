/**
 * The sockets that are polled without epoll: whether they are, shows in the calls made to libc.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { HotSet } from "../../libos/catnap/hot_set.ts";
import type { SocketQueue } from "../../libos/catnap/socket_queue.ts";
import {
  attempt,
  connectedPair,
  fill,
  freeAddress,
  message,
  outcome,
  popped,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import { failing, type Faults } from "./_faults.ts";
import { generator } from "../../examples/tcp_echo.ts";
import { listen, open } from "../../mod.ts";
import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";

/** More polls than a socket without data stays hot for. */
const LONG = 300;

/** Polls so often. */
function poll(libos: LibOS, times: number): void {
  for (let i = 0; i < times; i++) libos.poll();
}

/** Makes a socket hot: data comes while a pop waits for it. */
function heat(libos: LibOS, qd: QueueDescriptor, peer: QueueDescriptor): void {
  const pop = libos.pop(qd);
  send(libos, peer, "warm");
  assertEquals(popped(libos, pop), "warm");
}

/** Whether a poll asks a socket of which epoll said nothing; only a pop that waits is tried. */
function isHot(libos: LibOS, qd: QueueDescriptor): boolean {
  const pop = libos.pop(qd);
  poll(libos, 2);
  using receives: Faults = failing("recv", []);
  poll(libos, 4);
  libos.cancel(pop);
  assertEquals(outcome(libos, pop), "ECANCELED");
  return receives.calls > 0;
}

Deno.test("a socket whose data was waited for is polled without epoll", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    assertEquals(isHot(libos, b), false);
    heat(libos, b, a);
    assertEquals(isHot(libos, b), true);
    using epoll = failing("epoll_wait", []);
    const pop = libos.pop(b);
    send(libos, a, "data");
    libos.poll();
    assertEquals(popped(libos, pop), "data");
    assertEquals(epoll.calls, 0);
  }, { idle: "spin" }));

Deno.test("a hot socket that has nothing for long goes back to epoll, which tells of its data", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const pop = libos.pop(b);
    poll(libos, LONG);
    assertEquals(isHot(libos, b), false);
    send(libos, a, "data");
    assertEquals(popped(libos, pop), "data");
  }, { idle: "spin" }));

Deno.test("sockets that are not hot have their turn beside one that is", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const [c, d] = connectedPair(libos);
    heat(libos, b, a);
    const pop = libos.pop(d);
    send(libos, c, "not forgotten");
    for (let i = 0; i < 32; i++) heat(libos, b, a);
    assertEquals(attempt(libos, pop), "pop");
  }, { idle: "spin" }));

Deno.test("more sockets than can be hot are all served, by epoll", () =>
  withCatnap((libos) => {
    const pairs = Array.from({ length: 5 }, () => connectedPair(libos));
    for (let round = 0; round < 20; round++) {
      const pops = pairs.map(([, b]) => libos.pop(b));
      pairs.forEach(([a], i) => send(libos, a, `${round}.${i}`));
      assertEquals(pops.map((qt) => popped(libos, qt)), pairs.map((_, i) => `${round}.${i}`));
    }
    assertEquals(pairs.some(([, b]) => isHot(libos, b)), false);
  }, { idle: "spin" }));

Deno.test("a hot socket wakes its pops at the end of the stream", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const pops = [libos.pop(b), libos.pop(b)];
    libos.close(a);
    assertEquals(pops.map((qt) => popped(libos, qt)), [null, null]);
    assertEquals(receive(libos, b), null);
  }, { idle: "spin" }));

Deno.test("a hot socket wakes its pops when it is reset", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const pops = [libos.pop(b), libos.pop(b)];
    libos.setsockopt(a, "linger", 0);
    libos.close(a);
    assertEquals(pops.map((qt) => outcome(libos, qt)), ["ECONNRESET", "ECONNRESET"]);
  }, { idle: "spin" }));

Deno.test("a hot socket that is closed is polled no more, and its descriptor is free for another", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const pop = libos.pop(b);
    libos.close(b);
    assertEquals(outcome(libos, pop), "ECANCELED");
    assertEquals(libos.socket("inet", "stream"), b);
    using receives = failing("recv", []);
    poll(libos, LONG);
    assertEquals(receives.calls, 0);
    const [c, d] = connectedPair(libos);
    heat(libos, d, c);
  }, { idle: "spin" }));

for (const hot of [1, 2]) {
  Deno.test(`whoever is told of data may close all sockets, ${hot} of them hot`, () =>
    withCatnap((libos) => {
      const pairs = Array.from({ length: hot }, () => connectedPair(libos));
      for (const [a, b] of pairs) heat(libos, b, a);
      let told = 0;
      const closeAll = () => {
        if (told++ > 0) return;
        for (const [, b] of pairs) libos.close(b);
      };
      for (const [, b] of pairs) {
        libos.operations.pop(b, 0, { result: (sga) => (sga?.free(), closeAll()) });
      }
      for (const [a] of pairs) libos.push(a, message(libos, "data"));
      poll(libos, LONG);
      assertEquals(told, 1);
      assertEquals(libos.waitNextN(8).map(({ opcode }) => opcode), new Array(hot).fill("push"));
    }, { idle: "spin" }));
}

Deno.test("whoever is told of data may close the socket before it becomes hot", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    libos.operations.pop(b, 0, { result: (sga) => (sga?.free(), libos.close(b)) });
    send(libos, a, "data");
    using watches = failing("epoll_ctl", []);
    poll(libos, LONG);
    assertEquals(watches.calls, 0);
  }, { idle: "spin" }));

Deno.test("a push that waits for room goes on although data keeps coming", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const { blocked } = fill(libos, b);
    let pop = libos.pop(b);
    let ended: string | null = null;
    for (let i = 0; i < LONG && ended === null; i++) {
      send(libos, a, "more");
      assertEquals(popped(libos, pop), "more");
      pop = libos.pop(b);
      const room = libos.pop(a);
      if (attempt(libos, room, 0) === null) {
        libos.cancel(room);
        assertEquals(outcome(libos, room), "ECANCELED");
      }
      ended = attempt(libos, blocked, 0);
    }
    assertEquals(ended, "push");
    libos.close(b);
    assertEquals(outcome(libos, pop), "ECANCELED");
  }, { idle: "spin" }));

Deno.test("a socket that cannot be watched again is broken, not forgotten", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    const pop = libos.pop(b);
    using _ = failing("epoll_ctl", ["ENOMEM"]);
    poll(libos, LONG);
    assertEquals(outcome(libos, pop), "ENOMEM");
    assertEquals(receive(libos, b), "ENOMEM");
  }, { idle: "spin" }));

Deno.test("a datagram socket is hot too, and cools down", () =>
  withCatnap((libos) => {
    const [a, b] = [0, 1].map(() => {
      const qd = libos.socket("inet", "dgram");
      libos.bind(qd, freeAddress("inet"));
      return qd;
    }) as [number, number];
    const to = libos.getsockname(b);
    const round = () => {
      const pop = libos.pop(b);
      assertEquals(outcome(libos, libos.pushTo(a, message(libos, "x"), to)), "push");
      assertEquals(popped(libos, pop), "x");
    };
    for (let i = 0; i < 4; i++) round();
    const pop = libos.pop(b);
    using epoll = failing("epoll_wait", []);
    poll(libos, 8);
    assert(epoll.calls <= 1);
    poll(libos, LONG);
    libos.pushTo(a, message(libos, "later"), to);
    assertEquals(popped(libos, pop), "later");
    assertEquals(libos.waitNextN(2).map(({ opcode }) => opcode), ["push"]);
    round();
  }, { idle: "spin" }));

Deno.test("no socket is hot where the libOS is to sleep at once", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    heat(libos, b, a);
    assertEquals(isHot(libos, b), false);
  }, { idle: "park" }));

/** As much of a queue as the set looks at. */
class FakeQueue {
  hot = false;
  misses = 0;
  watched = true;
  pushes = { head: null };
  tryPop = () => false;
  watch = () => this.watched = true;
  unwatch = () => this.watched = false;
}

/** Adds one of them to a set. */
function add(set: HotSet, queue: FakeQueue, turn: number): void {
  set.add(queue as unknown as SocketQueue, turn);
}

for (const turn of [0, 1, 2 ** 31 - 1, -(2 ** 31)]) {
  Deno.test(`HotSet.add() takes a queue in turn ${turn}`, () => {
    const set = new HotSet();
    const queue = new FakeQueue();
    add(set, queue, turn);
    assertEquals([queue.hot, queue.watched], [true, false]);
  });
}

Deno.test("HotSet.add() takes none for a while after too many wanted to be in it", () => {
  for (const turn of [0, 2 ** 31 - 100, -5000]) {
    const set = new HotSet();
    const queues = [new FakeQueue(), new FakeQueue(), new FakeQueue()];
    for (const queue of queues) add(set, queue, turn);
    assertEquals(queues.map(({ hot, watched }) => hot || !watched), [false, false, false]);
    add(set, queues[0]!, (turn + 4095) | 0);
    assertEquals(set.size, 0);
    add(set, queues[0]!, (turn + 4096) | 0);
    assertEquals(set.size, 1);
  }
});

Deno.test("a socket stays with epoll where the next data is awaited asleep", async () => {
  await using libos = open({ libos: "catnap", idle: "adaptive" });
  using listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect(listener.addr as Deno.ConnectOptions);
  using connection = await listener.accept();
  const served = libos.spawn(generator(connection));
  const exchange = async () => {
    await client.write(new Uint8Array(1));
    await client.read(new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 2));
  };
  // Until it has learned that there is nothing for longer than it would spin.
  for (let i = 0; i < 30; i++) await exchange();
  using changes = failing("epoll_ctl", []);
  for (let i = 0; i < 10; i++) await exchange();
  assertEquals(changes.calls, 0);
  client.close();
  await served;
});
