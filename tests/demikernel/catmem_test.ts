/**
 * Pipes of the native catmem.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";
import { assertCode } from "../runtime/_assert.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";
import {
  assertFails,
  closeAll,
  isOver,
  outcome,
  pattern,
  receive,
  receiveAll,
  send,
} from "./_sockets.ts";

let names = 0;

function freeName(): string {
  return `test-${Deno.pid}-${names++}`;
}

function pipe(libos: LibOS): { name: string; to: QueueDescriptor; from: QueueDescriptor } {
  const name = freeName();
  const to = libos.pipe(name, "pop");
  return { name, to, from: libos.pipe(name, "push") };
}

/** The names of the shared memory of a pipe that is there now. */
function regions(name: string): string[] {
  const all = [...Deno.readDirSync("/dev/shm")].map((entry) => entry.name);
  return all.filter((one) => one.includes(name)).sort();
}

testScenarios(import.meta, "catmem", {
  async "push() of 1 MB arrives whole when somebody pops"(libos) {
    const { from, to } = pipe(libos);
    const sent = pattern(1 << 20);
    const pushed = Promise.resolve(send(libos, from, sent));
    assertEquals(await receiveAll(libos, to, sent.length), sent);
    await pushed;
    closeAll(libos, from, to);
  },

  async "push() arrives whole at every size about the limits of the ring"(libos) {
    const { from, to } = pipe(libos);
    for (
      const size of [1, 2, 3, 8191, 8192, 8193, 16384, 65528, 65529, 65531, 65532, 65535, 65536]
    ) {
      const sent = pattern(size, size);
      const pushed = Promise.resolve(send(libos, from, sent));
      assertEquals(await receiveAll(libos, to, size), sent);
      await pushed;
    }
    closeAll(libos, from, to);
  },

  async "push() gathers many segments"(libos) {
    const { from, to } = pipe(libos);
    const sizes = [1, 0, 70_000, 3, 5000, 8192];
    const sga = libos.alloc(sizes);
    sizes.forEach((_, i) => sga.bytes(i).set(pattern(sizes[i]!, i)));
    const sent = sga.toUint8Array();
    const pushed = Promise.resolve(libos.operations.push(from, sga));
    assertEquals(await receiveAll(libos, to, sent.length), sent);
    await pushed;
    closeAll(libos, from, to);
  },

  async "push() waits for room, and nothing is lost, when nobody pops"(libos) {
    const { from, to } = pipe(libos);
    const pushes = Array.from(
      { length: 40 },
      (_, i) => Promise.resolve(send(libos, from, pattern(8192, i))),
    );
    assertEquals(await isOver(pushes[39]!), false);
    for (let i = 0; i < 40; i++) {
      assertEquals(await receiveAll(libos, to, 8192), pattern(8192, i));
    }
    await Promise.all(pushes);
    closeAll(libos, from, to);
  },

  async "pop() tells the end after all data when the pusher closed with the ring full"(libos) {
    const { from, to } = pipe(libos);
    let count = 0;
    // As many as the ring takes, and then small ones, until there is no room for the end either.
    while (await isOver(outcome(send(libos, from, pattern(8191, count))), 5)) count++;
    assertEquals(await receiveAll(libos, to, 8191), pattern(8191, 0));
    // The one that waited for room is in the ring now.
    let small = 0;
    while (await isOver(outcome(send(libos, from, pattern(1))), 5)) small++;
    assert(small > 0);
    libos.close(from);
    for (let i = 1; i <= count; i++) {
      assertEquals(await receiveAll(libos, to, 8191), pattern(8191, i));
    }
    assertEquals((await receiveAll(libos, to, small)).length, small);
    assertEquals(await receive(libos, to), null);
    assertEquals(await receive(libos, to), null);
    libos.close(to);
  },

  async "pop() gives null again and again when the pusher closed"(libos) {
    const { from, to } = pipe(libos);
    await send(libos, from, pattern(5));
    libos.close(from);
    assertEquals(await receive(libos, to), pattern(5));
    for (let i = 0; i < 3; i++) assertEquals(await receive(libos, to), null);
    libos.close(to);
  },

  async "pop() that is pending gives null when the pusher closes"(libos) {
    const { from, to } = pipe(libos);
    const popped = receive(libos, to);
    assertEquals(await isOver(popped), false);
    libos.close(from);
    assertEquals(await popped, null);
    libos.close(to);
  },

  async "push() fails with EPIPE when the popper closed"(libos) {
    const { from, to } = pipe(libos);
    libos.close(to);
    // What was pushed before that was known is gone.
    let last = "";
    for (let i = 0; i < 100 && last !== "EPIPE"; i++) {
      last = await outcome(send(libos, from, pattern(8192)));
    }
    assertEquals(last, "EPIPE");
    await assertFails("EPIPE", send(libos, from, pattern(1)));
    libos.close(from);
  },

  async "push() that is pending fails with EPIPE when the popper closes"(libos) {
    const { from, to } = pipe(libos);
    const pushed = Promise.resolve(send(libos, from, pattern(1 << 20)));
    assertEquals(await isOver(pushed), false);
    libos.close(to);
    await assertFails("EPIPE", pushed);
    libos.close(from);
  },

  async "pop() in parts gives what was asked for, and the rest"(libos) {
    const { from, to } = pipe(libos);
    await send(libos, from, pattern(10));
    assertEquals(await receive(libos, to, 3), pattern(10).slice(0, 3));
    assertEquals(await receive(libos, to, 3), pattern(10).slice(3, 6));
    assertEquals(await receive(libos, to), pattern(10).slice(6));
    closeAll(libos, from, to);
  },

  async "cancel() of a pop loses nothing"(libos) {
    const { from, to } = pipe(libos);
    const first = libos.operations.pop(to);
    const second = receive(libos, to);
    assertEquals(await isOver(second), false);
    first.cancel();
    await assertFails("ECANCELED", first);
    await send(libos, from, pattern(9));
    assertEquals(await second, pattern(9));
    const third = libos.operations.pop(to);
    third.cancel();
    await assertFails("ECANCELED", third);
    await send(libos, from, pattern(7, 1));
    assertEquals(await receive(libos, to), pattern(7, 1));
    closeAll(libos, from, to);
  },

  async "cancel() of a push leaves the stream in order"(libos) {
    const { from, to } = pipe(libos);
    const first = send(libos, from, pattern(200_000, 1));
    const second = send(libos, from, pattern(100, 2));
    const third = send(libos, from, pattern(100, 3));
    const over = [outcome(first), outcome(second), outcome(third)];
    assertEquals(await isOver(over[0]!), false);
    first.cancel();
    second.cancel();
    // Half of the first is in the pipe, so the rest follows; of the second nothing is.
    assertEquals(await receiveAll(libos, to, 200_000), pattern(200_000, 1));
    assertEquals(await receiveAll(libos, to, 100), pattern(100, 3));
    assertEquals(await Promise.all(over), ["ECANCELED", "ECANCELED", "ok"]);
    closeAll(libos, from, to);
  },

  async "close() fails what is pending with ECANCELED"(libos) {
    const { from, to } = pipe(libos);
    const popped = libos.operations.pop(to);
    assertEquals(await isOver(outcome(Promise.resolve(popped))), false);
    libos.close(to);
    await assertFails("ECANCELED", popped);
    libos.close(from);
    const other = pipe(libos);
    const pushed = Promise.resolve(send(libos, other.from, pattern(1 << 20)));
    assertEquals(await isOver(pushed), false);
    libos.close(other.from);
    await assertFails("ECANCELED", pushed);
    libos.close(other.to);
  },

  async "close() of both ends removes the shared memory"(libos) {
    const { name, from, to } = pipe(libos);
    assertEquals(regions(name).length, 2);
    await send(libos, from, pattern(3));
    assertEquals(await receive(libos, to), pattern(3));
    libos.close(from);
    assertEquals(await receive(libos, to), null);
    libos.close(to);
    assertEquals(regions(name), []);
  },

  "close() takes less than 20 ms when the ring is full and nobody pops"(libos) {
    const { from, to } = pipe(libos);
    const token = libos.push(from, libos.alloc(1 << 20));
    for (let i = 0; i < 1000; i++) libos.poll();
    const start = performance.now();
    libos.close(from);
    libos.close(to);
    const took = performance.now() - start;
    assert(took < 20, `it took ${took} ms`);
    const completion = libos.wait(token);
    assert(completion.opcode === "failed");
    assertEquals(completion.error.code, "ECANCELED");
  },

  "pipe() refuses names that are taken, or nobody's"(libos) {
    const { name, from, to } = pipe(libos);
    assertCode("EEXIST", () => libos.pipe(name, "pop"));
    assertCode("ENOENT", () => libos.pipe(freeName(), "push"));
    const second = libos.pipe(name, "push");
    closeAll(libos, second, from, to);
    closeAll(libos, libos.pipe(name, "pop"));
  },

  async "a pipe has two ends that do one thing each"(libos) {
    const { from, to } = pipe(libos);
    using sga = libos.alloc(1);
    assertCode("ENOTSUP", () => libos.push(to, sga));
    assertCode("ENOTSUP", () => libos.pop(from));
    for (const qd of [from, to]) {
      assertCode("ENOTSUP", () => libos.bind(qd, { hostname: "127.0.0.1", port: 1 }));
      assertCode("ENOTSUP", () => libos.listen(qd));
      assertCode("ENOTSUP", () => libos.accept(qd));
      assertCode("ENOTSUP", () => libos.connect(qd, { hostname: "127.0.0.1", port: 1 }));
      assertCode("ENOTSUP", () => libos.pushTo(qd, sga, { hostname: "127.0.0.1", port: 1 }));
      assertCode("ENOTSUP", () => libos.shutdown(qd, "write"));
      assertCode("ENOTSUP", () => libos.getsockname(qd));
      assertCode("ENOTSUP", () => libos.getpeername(qd));
      assertCode("ENOPROTOOPT", () => libos.setsockopt(qd, "linger", 1));
    }
    assertCode("ENOTSUP", () => libos.socket("inet", "stream"));
    assertCode("ENOTSUP", () => libos.open("x"));
    await send(libos, from, new Uint8Array(0));
    closeAll(libos, from, to);
  },

  async "many pipes deliver each its own, in order"(libos) {
    const pipes = Array.from({ length: 40 }, () => pipe(libos));
    await Promise.all(pipes.map(async ({ from, to }, seed) => {
      for (let i = 0; i < 20; i++) {
        const sent = pattern(100 + i, seed + i);
        await send(libos, from, sent);
        assertEquals(await receive(libos, to), sent);
      }
    }));
    for (const { from, to } of pipes) closeAll(libos, from, to);
  },
});
await runChildren();
