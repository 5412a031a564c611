/**
 * memif devices: frames both ways in all sizes, full rings, and sleep.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc/load.ts";
import { RING } from "../../libos/devices/memif/layout.ts";
import {
  checkFrames,
  FoundRing,
  freshSocket,
  LENGTHS,
  openDevice,
  Pair,
  Received,
  send,
  settle,
  take,
  test,
} from "./_pair.ts";

test("a memif link carries frames both ways, whatever its rings and buffers", () => {
  for (
    const options of [
      {},
      { ringSize: 16 },
      { bufferSize: 64, ringSize: 512 },
      { bufferSize: 100, ringSize: 1024, queues: 3 },
      { bufferSize: 65_536, ringSize: 16 },
      { queues: 16, ringSize: 32 },
    ]
  ) {
    using pair = new Pair(options);
    // Often enough that indices wrap.
    for (let round = 0; round < 300; round++) {
      checkFrames(pair.client, pair.server, LENGTHS);
      checkFrames(pair.server, pair.client, LENGTHS);
    }
  }
});

test("a memif device takes from each ring in turn, though one is never empty", () => {
  using pair = new Pair({ queues: 3, ringSize: 64 });
  const { client, server } = pair;
  // Ours sends by the first ring alone; what is in the others is told by its length.
  for (const n of [1, 2]) {
    const ring = new FoundRing(client, n);
    for (let slot = 0; slot < 8; slot++) ring.setDescriptor(slot, "LENGTH", 60 + n);
    ring.setIndex(RING.HEAD, 8);
  }
  for (let i = 0; i < 64; i++) send(client, 60, 1);
  const received = new Received(server);
  for (let i = 0; i < 6; i++) server.receive(received, 2);
  const lengths = received.frames.map(({ length }) => length);
  assertEquals(lengths.toSorted(), [60, 60, 60, 60, 61, 61, 61, 61, 62, 62, 62, 62]);
});

test("a memif ring's indices wrap at 65536", () => {
  using pair = new Pair({ ringSize: 2048 });
  for (let round = 0; round < 70; round++) {
    for (let i = 0; i < 1000; i++) assert(send(pair.client, 60, 1));
    assertEquals(take(pair.server).length, 1000);
  }
  checkFrames(pair.client, pair.server, LENGTHS);
});

test("a memif link carries frames of 64 KiB", () => {
  using pair = new Pair({ mtu: 65_521, ringSize: 64 });
  checkFrames(pair.client, pair.server, [65_535, 60, 65_534]);
  checkFrames(pair.server, pair.client, [65_535, 60, 65_534]);
});

test("a memif device that is full says so, goes on when there is room, and drops if that does not come", () => {
  using pair = new Pair({ ringSize: 8 });
  for (const [from, to] of [[pair.client, pair.server], [pair.server, pair.client]] as const) {
    let sent = 0;
    while (send(from, 60, 7)) sent++;
    assertEquals(sent, 8);
    assert(from.counters.fullRings > 0);
    assertEquals(take(to).length, 8);
    assert(send(from, 60, 8));
    assertEquals(take(to).length, 1);
    // Nobody takes anything any more: it would not do to wait for ever.
    const before = from.counters.sendDrops;
    for (let i = 0; i < 10_000 && from.counters.sendDrops === before; i++) send(from, 60, 9);
    assert(from.counters.sendDrops > before);
    assertEquals(take(to).length, 8);
    checkFrames(from, to, LENGTHS.slice(0, 8));
  }
});

for (const role of ["client", "server"] as const) {
  test(`a memif ${role} keeps the last frames until its link is up, and there is room`, () => {
    for (const ringSize of [8, 1024]) {
      const socket = freshSocket();
      const other = role === "client" ? "server" : "client";
      const one = openDevice({ socket, role, ringSize });
      for (let i = 0; i < 40; i++) assert(send(one, 60, i));
      assertEquals(one.counters.sendDrops, 8);
      const another = openDevice({ socket, role: other, ringSize });
      try {
        const frames = [];
        const until = performance.now() + 5000;
        while (frames.length < 32 && performance.now() < until) {
          take(one);
          frames.push(...take(another));
        }
        assertEquals(frames.map((frame) => frame[0]), Array.from({ length: 32 }, (_, i) => i + 8));
        assertEquals(one.counters.sendDrops, 8);
        checkFrames(one, another, LENGTHS.slice(0, 8));
      } finally {
        one.close();
        another.close();
      }
    }
  });
}

test("what waits for a memif link goes before what is sent when it is up", () => {
  const socket = freshSocket();
  const server = openDevice({ socket, role: "server" });
  for (let i = 0; i < 12; i++) send(server, 60, i);
  const client = openDevice({ socket, ringSize: 8 });
  try {
    settle(server, client);
    const fills = [];
    for (let next = 12; next < 24;) {
      if (send(server, 60, next)) next++;
      else fills.push(...take(client).map((frame) => frame[0]));
    }
    fills.push(...take(client).map((frame) => frame[0]));
    assertEquals(fills, Array.from({ length: 24 }, (_, i) => i));
  } finally {
    client.close();
    server.close();
  }
});

test("a memif server that sleeps with frames to send is woken when its client has room for them", () => {
  const socket = freshSocket();
  const server = openDevice({ socket, role: "server" });
  send(server, 60, 1);
  const client = openDevice({ socket });
  try {
    const until = performance.now() + 5000;
    while (server.counters.link !== "up" && performance.now() < until) {
      for (let i = 0; i < 100; i++) client.receive({ frame: () => {} }, 1);
      for (let i = 0; i < 100 && server.counters.link !== "up"; i++) {
        server.receive({ frame: () => {} }, 1);
      }
    }
    server.prepareToPark();
    assertEquals(isReadable(server.fd), false);
    take(client);
    assertEquals(client.counters.link, "up");
    assertEquals(isReadable(server.fd), true);
    server.receive({ frame: () => {} }, 1);
    assertEquals(take(client).length, 1);
  } finally {
    client.close();
    server.close();
  }
});

test("a memif server drops frames that are longer than its mtu", () => {
  // In one piece, and in several.
  for (const bufferSize of [16_384, 2048]) {
    using pair = new Pair({ mtu: 1500 }, { mtu: 9000, bufferSize });
    send(pair.client, 1515, 1);
    send(pair.client, 9014, 1);
    assertEquals(take(pair.server), []);
    assertEquals(pair.server.counters.receiveDrops, 2);
    checkFrames(pair.client, pair.server, LENGTHS);
  }
});

test("a frame wakes who sleeps on a memif link, and nobody is told who is busy", () => {
  using pair = new Pair();
  const { client, server } = pair;
  for (const [from, to] of [[client, server], [server, client]] as const) {
    to.prepareToPark();
    assertEquals(isReadable(to.fd), false);
    send(from, 60, 1);
    assertEquals(isReadable(to.fd), true);
    assertEquals(take(to).length, 1);
    const { wakeups } = to.counters;
    // It is busy now: what wakes it is as it was.
    to.prepareToPark();
    assertEquals(isReadable(to.fd), false);
    take(to);
    send(from, 60, 1);
    assertEquals(isReadable(to.fd), false);
    // And what came before it slept does not let it sleep.
    to.prepareToPark();
    assertEquals(isReadable(to.fd), true);
    assertEquals(take(to).length, 1);
    assertEquals(to.counters.wakeups, wakeups + 2);
  }
});

function isReadable(fd: number): boolean {
  const { epoll_wait, malloc, free } = libc();
  const event = BigInt(malloc(16n));
  try {
    return epoll_wait(fd, event, 1, 0) > 0;
  } finally {
    free(event);
  }
}
