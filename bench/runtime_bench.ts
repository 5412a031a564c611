/**
 * Our own cost per operation: the runtime and the coroutine layer over a libOS without a device, where a
 * pop is pending until the next poll and a push is over at once; and over the in-memory queue. One iteration is a million operations, so
 * that a millisecond in the table is a nanosecond per operation.
 *
 * @module
 */
import { Connection } from "../libos/net/connection.ts";
import { BufferHeap } from "../libos/runtime/heap.ts";
import { MonotonicClock } from "../libos/runtime/epoll_parker.ts";
import { Scheduler } from "../libos/runtime/scheduler.ts";
import { Timer, TimerHeap } from "../libos/runtime/timers.ts";
import type { QueueDescriptor } from "../mod.ts";
import { NullLibOS } from "./_null_device.ts";

/** Operations in one iteration. */
const BATCH = 1_000_000;
/** Connections that are served at once, so that a turn's own cost is shared as on a busy server. */
const CONNECTIONS = 64;
/** Echoes on each of them: a pop and a push. */
const ECHOES = Math.floor(BATCH / 2 / CONNECTIONS);

/** The clock that servers have. */
const scheduler = new Scheduler({ idle: "spin", clock: new MonotonicClock() });
const libos = new NullLibOS(scheduler);

function* generator(connection: Connection) {
  for (let i = 0; i < ECHOES; i++) {
    const sga = yield* connection.pop();
    yield* connection.push(sga!);
    sga!.recycle();
  }
}

async function promise(connection: Connection): Promise<void> {
  for (let i = 0; i < ECHOES; i++) {
    const sga = await connection.pop();
    await connection.push(sga!);
    sga!.recycle();
  }
}

async function iterator(connection: Connection): Promise<void> {
  let left = ECHOES;
  for await (const sga of connection) {
    await connection.push(sga);
    sga.recycle();
    if (--left === 0) return;
  }
}

const HANDLERS: Record<string, (connection: Connection) => Promise<void>> = {
  "generator": (connection) => libos.spawn(generator(connection)),
  "await": promise,
  "for await": iterator,
};

for (const [name, handler] of Object.entries(HANDLERS)) {
  Deno.bench(`echo, ${name} handler: 1 000 000 operations`, { group: "echo" }, async () => {
    const connections = Array.from(
      { length: CONNECTIONS },
      () => new Connection(libos, libos.socket("inet", "stream")),
    );
    await Promise.all(connections.map(handler));
    for (const connection of connections) connection[Symbol.dispose]();
  });
}

/** Pushes to an in-memory queue and pops from it: both are over at once. */
function* queueGenerator(qd: QueueDescriptor) {
  let sga = libos.alloc(64);
  for (let i = 0; i < BATCH / 2; i++) {
    yield* libos.operations.push(qd, sga);
    sga.recycle();
    sga = (yield* libos.operations.pop(qd))!;
  }
  sga.recycle();
}

async function queuePromise(qd: QueueDescriptor): Promise<void> {
  let sga = libos.alloc(64);
  for (let i = 0; i < BATCH / 2; i++) {
    await libos.operations.push(qd, sga);
    sga.recycle();
    sga = (await libos.operations.pop(qd))!;
  }
  sga.recycle();
}

const QUEUE_USERS: Record<string, (qd: QueueDescriptor) => Promise<void>> = {
  "generator": (qd) => libos.spawn(queueGenerator(qd)),
  "await": queuePromise,
};

for (const [name, use] of Object.entries(QUEUE_USERS)) {
  Deno.bench(`queue(), ${name}: 1 000 000 operations`, { group: "queue" }, async () => {
    const qd = libos.queue();
    await use(qd);
    libos.close(qd);
  });
}

const heap = new BufferHeap();

Deno.bench("BufferHeap.alloc() and recycle(): 1 000 000 of 64 B", { group: "parts" }, () => {
  for (let i = 0; i < BATCH; i++) heap.alloc(64).recycle();
});

const timers = new TimerHeap();
for (let i = 0; i < 10_000; i++) timers.arm(new Timer(() => {}), 1e6 + i);
const timer = new Timer(() => {});

Deno.bench("TimerHeap.arm() and disarm(): 1 000 000 among 10 000", { group: "parts" }, () => {
  for (let i = 0; i < BATCH; i++) {
    timers.arm(timer, 1e6 + (i * 7919) % 10_000);
    timers.disarm(timer);
  }
});

const idleScheduler = new Scheduler({ idle: "spin", clock: new MonotonicClock() });

Deno.bench("Scheduler.turn(): 1 000 000 with nothing to do", { group: "parts" }, () => {
  for (let i = 0; i < BATCH; i++) idleScheduler.turn();
});
