/**
 * What the library seldom does, or late: its own timeouts of 120 s, no memory, errors in the middle.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DatagramQueue } from "../../libos/demikernel/datagram_queue.ts";
import { PipeQueue } from "../../libos/demikernel/pipe_queue.ts";
import { StreamQueue } from "../../libos/demikernel/stream_queue.ts";
import { DemikernelError, Errno } from "../../libos/error.ts";
import type { PooledOperation } from "../../libos/runtime/operation/operation.ts";
import type { InetAddress, Operation } from "../../libos/pdpix.ts";
import { makeFake } from "./_fake_calls.ts";
import { outcome } from "./_sockets.ts";

const LOOPBACK: InetAddress = { hostname: "127.0.0.1", port: 5 };
const CONNECTED = { local: LOOPBACK, peer: LOOPBACK };

/** A connected socket over fake calls. */
function makeConnected() {
  const fake = makeFake();
  return { ...fake, queue: new StreamQueue(fake.context, 500, CONNECTED) };
}

function isOver(operation: Operation<unknown>): boolean {
  return (operation as PooledOperation).over;
}

/** Lengths of the pushes under way. */
function pushed({ begun }: { begun: readonly { length: number }[] }): number[] {
  return begun.map(({ length }) => length);
}

Deno.test("pop() goes on when upstream's own timeout ends its pop", async () => {
  const { calls, device, queue } = makeConnected();
  const popped = queue.pop(0);
  for (let i = 0; i < 3; i++) {
    calls.complete({ errno: Errno.ETIMEDOUT });
    device.poll(0, true);
    assertEquals([isOver(popped), calls.begun.length], [false, 1]);
  }
  calls.complete({ length: 3 });
  device.poll(0, true);
  const sga = (await popped)!;
  assertEquals(sga.length, 3);
  sga.free();
  device.close();
  assertEquals(calls.held, 0);
});

Deno.test("pop() of a datagram goes on when upstream's own timeout ends its pop", async () => {
  const { calls, device, context } = makeFake();
  const queue = new DatagramQueue(context, 500);
  queue.bind(LOOPBACK);
  const popped = queue.pop(0);
  calls.complete({ errno: Errno.ETIMEDOUT });
  device.poll(0, true);
  assertEquals([isOver(popped), calls.begun.length], [false, 1]);
  calls.complete({ length: 3 });
  device.poll(0, true);
  (await popped)!.free();
});

Deno.test("accept() goes on when upstream's accept ends without a connection", async () => {
  const { calls, device, context } = makeFake();
  const queue = new StreamQueue(context, 500);
  queue.bind(LOOPBACK);
  queue.listen(1);
  const accepting = queue.accept();
  for (const errno of [Errno.ETIMEDOUT, Errno.EEXIST, Errno.ECONNABORTED]) {
    calls.complete({ errno });
    device.poll(0, true);
    assertEquals([isOver(accepting), calls.begun.length], [false, 1]);
  }
  calls.complete({ accepted: 501 });
  device.poll(0, true);
  assertEquals(await accepting, 1);
});

Deno.test("push() goes on when upstream's own timeout ends its push, which it still sends", async () => {
  const { calls, device, context, queue } = makeConnected();
  const push = queue.push(context.heap.alloc([15, 5]));
  const parts: number[] = [];
  for (const errno of [Errno.ETIMEDOUT, 0, Errno.ETIMEDOUT]) {
    assertEquals(isOver(push), false);
    parts.push(...pushed(calls));
    calls.complete({ errno });
    device.poll(0, true);
  }
  await push;
  assertEquals(parts, [8, 8, 4]);
});

Deno.test("pushTo() succeeds when upstream's own timeout ends it, since it still sends", async () => {
  const { calls, device, context } = makeFake();
  const queue = new DatagramQueue(context, 500);
  const push = queue.pushTo(context.heap.alloc(3), LOOPBACK);
  calls.complete({ errno: Errno.ETIMEDOUT });
  device.poll(0, true);
  await push;
});

Deno.test("push() that fails in the middle breaks the stream", async () => {
  const { calls, device, context, queue } = makeConnected();
  const pushes = [20, 3].map((size) => outcome(queue.push(context.heap.alloc(size))));
  calls.complete();
  device.poll(0, true);
  calls.complete({ errno: Errno.ECONNRESET });
  device.poll(0, true);
  assertEquals(await Promise.all(pushes), ["ECONNRESET", "ECONNRESET"]);
  assertEquals(await outcome(queue.push(context.heap.alloc(1))), "ECONNRESET");
  assertEquals(await outcome(queue.pop(0)), "ECONNRESET");
  assertEquals(calls.begun.length, 0);
});

Deno.test("push() that the library does not take fails alone when nothing of it is in the stream", async () => {
  const { calls, device, context, queue } = makeConnected();
  calls.memory = false;
  assertEquals(await outcome(queue.push(context.heap.alloc(3))), "ENOMEM");
  calls.memory = true;
  calls.answer = -Errno.EAGAIN;
  assertEquals(await outcome(queue.push(context.heap.alloc(3))), "EAGAIN");
  calls.answer = 0;
  const push = queue.push(context.heap.alloc(3));
  calls.complete();
  device.poll(0, true);
  assertEquals(await outcome(push), "ok");
  device.close();
  assertEquals(calls.held, 0);
});

Deno.test("push() that the library does not take breaks the stream when half of it is in there", async () => {
  const { calls, device, context, queue } = makeConnected();
  const push = outcome(queue.push(context.heap.alloc(20)));
  calls.complete();
  calls.answer = -Errno.EAGAIN;
  device.poll(0, true);
  assertEquals(await push, "EAGAIN");
  calls.answer = 0;
  assertEquals(await outcome(queue.push(context.heap.alloc(1))), "EAGAIN");
});

Deno.test("pop() that the library does not take fails alone", async () => {
  const { calls, device, queue } = makeConnected();
  calls.answer = -Errno.EAGAIN;
  assertEquals(await outcome(queue.pop(0)), "EAGAIN");
  calls.answer = 0;
  const popped = queue.pop(0);
  calls.complete({ length: 1 });
  device.poll(0, true);
  (await popped)!.free();
});

Deno.test("pop() gives what came before a reset, then the reset, and no end", async () => {
  const { calls, device, context, queue } = makeConnected();
  const popped = queue.pop(0);
  popped.cancel();
  calls.complete({ length: 5 });
  device.poll(0, true);
  const push = outcome(queue.push(context.heap.alloc(1)));
  calls.complete({ errno: Errno.ECONNRESET });
  device.poll(0, true);
  assertEquals(await push, "ECONNRESET");
  const sga = (await queue.pop(0))!;
  assertEquals(sga.length, 5);
  sga.free();
  assertEquals(await outcome(queue.pop(0)), "ECONNRESET");
});

Deno.test("pop() goes on when the peer has closed and takes nothing more, until it is told of an end or a reset", async () => {
  for (const errno of [0, Errno.ECONNRESET]) {
    const { calls, device, context, queue } = makeConnected();
    const popped = queue.pop(0);
    const push = outcome(queue.push(context.heap.alloc(1)));
    calls.begun.reverse();
    calls.complete({ errno: Errno.EPIPE });
    device.poll(0, true);
    assertEquals(await push, "ECONNRESET");
    assertEquals(await outcome(queue.push(context.heap.alloc(1))), "ECONNRESET");
    calls.complete({ length: 5 });
    device.poll(0, true);
    (await popped)!.free();
    const rest = outcome(queue.pop(0));
    calls.complete({ errno });
    device.poll(0, true);
    assertEquals(await rest, errno === 0 ? "ok" : "ECONNRESET");
  }
});

Deno.test("close() frees what comes for those who asked, and closes their connections", async () => {
  const { calls, device, context, queue } = makeConnected();
  const listener = new StreamQueue(context, 501);
  listener.bind(LOOPBACK);
  listener.listen(1);
  const outcomes = [outcome(queue.pop(0)), outcome(listener.accept())];
  queue.close();
  listener.close();
  assertEquals(await Promise.all(outcomes), ["ECANCELED", "ECANCELED"]);
  calls.complete({ length: 5 });
  calls.complete({ accepted: 502 });
  while (device.busy) device.poll(0, true);
  assertEquals(calls.closed, [500, 501, 502]);
  device.close();
  assertEquals([calls.held, context.heap.buffers], [0, 0]);
});

Deno.test("push() into a pipe fails with EPIPE when the other end was closed", async () => {
  for (const errno of [0, Errno.EBADF]) {
    const { calls, device, context } = makeFake();
    const queue = new PipeQueue(context, 500, "push");
    const push = outcome(queue.push(context.heap.alloc(3)));
    assertEquals(calls.begun.map(({ call }) => call), ["push", "pop"]);
    // Either the push learns of it first, or the pop that waits for it.
    if (errno === 0) calls.begun.reverse();
    calls.complete({ errno });
    device.poll(0, true);
    assertEquals(await push, "EPIPE");
    assertEquals(await outcome(queue.push(context.heap.alloc(1))), "EPIPE");
  }
});

Deno.test("poll() takes no notice of what an earlier libOS object left in the library", async () => {
  const { calls, device, queue } = makeConnected();
  const popped = queue.pop(0);
  calls.completeStranger();
  calls.complete({ length: 1 });
  for (let i = 0; i < 5; i++) device.poll(0, true);
  (await popped)!.free();
});

/** Lets the heap have no memory, once. */
function exhaust(heap: { take(size: number): unknown }): void {
  const { take } = heap;
  heap.take = () => {
    heap.take = take;
    throw new DemikernelError("ENOMEM", "alloc");
  };
}

Deno.test("pop() fails with ENOMEM, and every later one, when there is no memory for what came", async () => {
  const { calls, device, context, queue } = makeConnected();
  const pops = [queue.pop(0), queue.pop(0)];
  exhaust(context.heap);
  calls.complete({ length: 3 });
  device.poll(0, true);
  assertEquals(await Promise.all([...pops, queue.pop(0)].map(outcome)), Array(3).fill("ENOMEM"));
  device.close();
  assertEquals(calls.held, 0);
});

Deno.test("pop() of a datagram fails with EIO for good where upstream has got an empty one", async () => {
  const { calls, device, context } = makeFake();
  const queue = new DatagramQueue({ ...context, stopsAtEmpty: true }, 500);
  queue.bind(LOOPBACK);
  const pops = [outcome(queue.pop(0)), outcome(queue.pop(0))];
  calls.complete();
  device.poll(0, true);
  assertEquals(await Promise.all(pops), ["EIO", "EIO"]);
  const late = Promise.resolve(queue.pop(0));
  const error = await assertRejects(() => late, DemikernelError);
  assertStringIncludes(error.message, "close the socket and make another");
  assertEquals(calls.begun.length, 0);
  const push = outcome(queue.pushTo(context.heap.alloc(1), LOOPBACK));
  calls.complete();
  device.poll(0, true);
  assertEquals(await push, "ok");
});

Deno.test("pop() of a datagram fails with ENOMEM alone when there is no memory for what came", async () => {
  const { calls, device, context } = makeFake();
  const queue = new DatagramQueue(context, 500);
  queue.bind(LOOPBACK);
  const pops = [queue.pop(0), queue.pop(0)];
  exhaust(context.heap);
  for (let i = 0; i < 2; i++) {
    calls.complete({ length: 3 });
    device.poll(0, true);
  }
  assertEquals(await outcome(pops[0]!), "ENOMEM");
  (await pops[1]!)!.free();
  device.close();
  assertEquals(calls.held, 0);
});
