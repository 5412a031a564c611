/**
 * What each layer between a handler and its operation adds: a pop that waits for the next poll, on 64
 * connections without a device, beside a promise that another function resolves.
 *
 * @module
 */
import type { Connection } from "../libos/net/connection.ts";
import { CONNECTIONS, libos, serveAll } from "./_null_device.ts";
import { warmedUp } from "./_warm_up.ts";

/** Operations in one iteration. */
const BATCH = 1_000_000;
const POPS = BATCH / CONNECTIONS;

function* operation({ qd }: Connection) {
  for (let i = 0; i < POPS; i++) (yield* libos.operations.pop(qd))!.recycle();
}

function* generator(connection: Connection) {
  for (let i = 0; i < POPS; i++) (yield* connection.pop())!.recycle();
}

function* popOf(connection: Connection) {
  return yield* connection.pop();
}

function* helper(connection: Connection) {
  for (let i = 0; i < POPS; i++) (yield* popOf(connection))!.recycle();
}

async function awaiting(connection: Connection): Promise<void> {
  for (let i = 0; i < POPS; i++) (await connection.pop())!.recycle();
}

async function iterating(connection: Connection): Promise<void> {
  let left = POPS;
  for await (const sga of connection) {
    sga.recycle();
    if (--left === 0) return;
  }
}

let waiting: (() => void)[] = [];

async function nativePromise(): Promise<void> {
  for (let i = 0; i < POPS; i++) await new Promise<void>((resolve) => waiting.push(resolve));
}

/** Does what polls do for the others: resolves what waits, all of it, again and again. */
async function resolveAll(): Promise<void> {
  while (waiting.length > 0) {
    const resolvers = waiting;
    waiting = [];
    for (const resolve of resolvers) resolve();
    await null;
  }
}

const layers = {
  "await, a promise of V8's own": nativePromise,
  "yield*, operation of PDPIX": (connection: Connection) => libos.spawn(operation(connection)),
  "yield*, operation of a Connection": (connection: Connection) =>
    libos.spawn(generator(connection)),
  "yield*, through a helper generator": (connection: Connection) => libos.spawn(helper(connection)),
  "await, operation of a Connection": awaiting,
  "for await, over a Connection": iterating,
};

for (const [name, handler] of Object.entries(layers)) {
  Deno.bench({
    name: `1 000 000 pops: ${name}`,
    group: "layers of a handler, 64 connections: 1 ms is 1 ns per pop",
    baseline: handler === nativePromise,
    fn: warmedUp(() => serveAll(handler, resolveAll)),
  });
}
