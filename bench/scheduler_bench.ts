/**
 * Our own cost per operation, by the kind of handler: the runtime and the coroutine layer over an in-memory
 * queue, whose operations are over at once, and over a libOS without a device, where a pop waits for the
 * next poll and a push is over at once.
 *
 * @module
 */
import type { Connection } from "../libos/net/connection.ts";
import { MonotonicClock } from "../libos/runtime/scheduler/epoll_parker.ts";
import { Scheduler } from "../libos/runtime/scheduler/scheduler.ts";
import type { QueueDescriptor } from "../mod.ts";
import { CONNECTIONS, libos, serveAll } from "./_null_device.ts";
import { warmedUp } from "./_warm_up.ts";

/** Operations in one iteration. */
const BATCH = 1_000_000;
/** Echoes on each of them: a pop and a push. */
const ECHOES = Math.floor(BATCH / 2 / CONNECTIONS);
const SIZE = 64;

function* queueGenerator(qd: QueueDescriptor) {
  let sga = libos.alloc(SIZE);
  for (let i = 0; i < BATCH / 2; i++) {
    yield* libos.operations.push(qd, sga);
    sga.recycle();
    sga = (yield* libos.operations.pop(qd))!;
  }
  sga.recycle();
}

async function queueAwait(qd: QueueDescriptor): Promise<void> {
  let sga = libos.alloc(SIZE);
  for (let i = 0; i < BATCH / 2; i++) {
    await libos.operations.push(qd, sga);
    sga.recycle();
    sga = (await libos.operations.pop(qd))!;
  }
  sga.recycle();
}

function queueWait(qd: QueueDescriptor): Promise<void> {
  let sga = libos.alloc(SIZE);
  for (let i = 0; i < BATCH / 2; i++) {
    libos.wait(libos.push(qd, sga));
    sga.recycle();
    const completion = libos.wait(libos.pop(qd));
    if (completion.opcode !== "pop") throw new Error(`Cannot pop: ${completion.opcode}`);
    sga = completion.sga!;
  }
  sga.recycle();
  return Promise.resolve();
}

const queueUsers = {
  "generator": (qd: QueueDescriptor) => libos.spawn(queueGenerator(qd)),
  "await": queueAwait,
  "wait() on tokens": queueWait,
};

for (const [name, use] of Object.entries(queueUsers)) {
  const qd = libos.queue();
  Deno.bench({
    name: `1 000 000 operations on a queue, ${name}`,
    group: "in-memory queue, push and pop: 1 ms is 1 ns per operation",
    baseline: name === "generator",
    fn: warmedUp(() => use(qd)),
  });
}

function* echoGenerator(connection: Connection) {
  for (let i = 0; i < ECHOES; i++) {
    const sga = yield* connection.pop();
    yield* connection.push(sga!);
    sga!.recycle();
  }
}

async function echoAwait(connection: Connection): Promise<void> {
  for (let i = 0; i < ECHOES; i++) {
    const sga = await connection.pop();
    await connection.push(sga!);
    sga!.recycle();
  }
}

async function echoForAwait(connection: Connection): Promise<void> {
  let left = ECHOES;
  for await (const sga of connection) {
    await connection.push(sga);
    sga.recycle();
    if (--left === 0) return;
  }
}

const handlers = {
  "generator": (connection: Connection) => libos.spawn(echoGenerator(connection)),
  "await": echoAwait,
  "for await": echoForAwait,
};

for (const [name, handler] of Object.entries(handlers)) {
  Deno.bench({
    name: `1 000 000 operations of echoes, ${name}`,
    group: "echo without a device, 64 connections: 1 ms is 1 ns per operation",
    baseline: name === "generator",
    fn: warmedUp(() => serveAll(handler)),
  });
}

const idle = new Scheduler({ idle: "spin", clock: new MonotonicClock() });

Deno.bench(
  "1 000 turns with nothing to do",
  { group: "scheduler: 1 µs is 1 ns per turn" },
  () => {
    for (let i = 0; i < 1_000; i++) idle.turn();
  },
);
