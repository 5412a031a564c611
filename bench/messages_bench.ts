/**
 * What it costs to read what is meant, beside plain pushes and pops: 64 bytes through an in-memory queue, each in an
 * sga of its own, or 100 of them in one.
 *
 * @module
 */

import { Connection, type Coroutine, type LibOS, Messages, open, Reader } from "../mod.ts";
import { warmedUp } from "./_warm_up.ts";

/** Messages in one iteration. */
const BATCH = 100_000;
/** Messages that come in one sga, where they do. */
const TOGETHER = 100;
const SIZE = 64;
const LINE = new Uint8Array(SIZE).fill(0x61);
LINE[SIZE - 1] = 0x0a;
/** A message of 60 bytes after its length. */
const FRAMED = new Uint8Array(SIZE);
FRAMED[3] = SIZE - 4;

/** Pushes so many copies of bytes in one sga. */
function push({ libos, qd }: Connection, bytes: Uint8Array, count: number) {
  const sga = libos.alloc(count * bytes.length);
  const memory = sga.bytes();
  for (let i = 0; i < count; i++) memory.set(bytes, i * bytes.length);
  const pushed = libos.operations.push(qd, sga);
  sga.recycle();
  return pushed;
}

/** Pushes messages, and reads each with a function that a connection makes. */
type Way = (connection: Connection, together: number) => Coroutine | Promise<void>;

function* popping(connection: Connection, together: number): Coroutine {
  for (let i = 0; i < BATCH; i += together) {
    yield* push(connection, FRAMED, together);
    (yield* connection.pop())!.recycle();
  }
}

function* exactly(connection: Connection, together: number): Coroutine {
  using reader = new Reader(connection);
  for (let i = 0; i < BATCH; i += together) {
    yield* push(connection, FRAMED, together);
    for (let j = 0; j < together; j++) (yield* reader.exactly(SIZE))!.recycle();
  }
}

function* lines(connection: Connection, together: number): Coroutine {
  using reader = new Reader(connection);
  for (let i = 0; i < BATCH; i += together) {
    yield* push(connection, LINE, together);
    for (let j = 0; j < together; j++) yield* reader.line();
  }
}

function* messages(connection: Connection, together: number): Coroutine {
  using messages = new Messages(connection);
  for (let i = 0; i < BATCH; i += together) {
    yield* push(connection, FRAMED, together);
    for (let j = 0; j < together; j++) (yield* messages.pop())!.recycle();
  }
}

async function awaitedPops(connection: Connection, together: number): Promise<void> {
  for (let i = 0; i < BATCH; i += together) {
    await push(connection, FRAMED, together);
    (await connection.pop())!.recycle();
  }
}

async function awaitedMessages(connection: Connection, together: number): Promise<void> {
  using messages = new Messages(connection);
  for (let i = 0; i < BATCH; i += together) {
    await push(connection, FRAMED, together);
    for (let j = 0; j < together; j++) (await messages.pop())!.recycle();
  }
}

/** Pushes messages as such, which takes two segments each, and pops what that gives. */
function* pushing(connection: Connection): Coroutine {
  using messages = new Messages(connection);
  for (let i = 0; i < BATCH; i++) {
    const sga = connection.libos.alloc(SIZE - 4);
    yield* messages.push(sga);
    sga.recycle();
    (yield* connection.pop())!.recycle();
  }
}

const WAYS: Record<string, Way> = {
  "yield*, plain pops": popping,
  "yield*, Reader.exactly()": exactly,
  "yield*, Reader.line()": lines,
  "yield*, Messages.pop()": messages,
  "await, plain pops": awaitedPops,
  "await, Messages.pop()": awaitedMessages,
};

function bench(name: string, group: string, way: Way, together: number): void {
  Deno.bench({
    name: `100 000 messages: ${name}`,
    group: `${group}: 1 ms is 10 ns per message`,
    baseline: way === popping,
    fn: warmedUp(() => onQueue(way, together)),
  });
}

async function onQueue(way: Way, together: number): Promise<void> {
  const libos: LibOS = open({ libos: "catnap", idle: "spin" });
  using connection = new Connection(libos, libos.queue());
  const going = way(connection, together);
  await (going instanceof Promise ? going : libos.spawn(going));
  connection.close();
  await libos.exit();
}

for (const [name, way] of Object.entries(WAYS)) bench(name, "each in an sga of its own", way, 1);
bench("yield*, Messages.push() of sgas, plain pops", "each in an sga of its own", pushing, 1);
for (const [name, way] of Object.entries(WAYS)) {
  bench(name, `${TOGETHER} in one sga`, way, TOGETHER);
}
