/**
 * Prints how many bytes an operation allocates in a generator, once the code is compiled: with a young
 * generation that is large enough for no collection to come in between, the heap grows by what was allocated.
 *
 * @module
 */

import { memoryUsage } from "node:process";
import { libos } from "../../../bench/_null_device.ts";
import { Connection } from "../../../libos/net/connection.ts";

const ECHOES = 500_000;

/** Pops that are pending until the next poll, and pushes that are over at once. */
function* echo(connection: Connection) {
  for (let i = 0; i < ECHOES; i++) {
    const sga = (yield* connection.pop())!;
    yield* connection.push(sga);
    sga.recycle();
  }
}

/** Pushes and pops of an in-memory queue, which are over at once. */
function* queue(connection: Connection) {
  const qd = connection.libos.queue();
  for (let i = 0; i < ECHOES; i++) {
    const sga = connection.libos.alloc(64);
    yield* connection.libos.operations.push(qd, sga);
    sga.recycle();
    (yield* connection.libos.operations.pop(qd))!.recycle();
  }
}

for (const handler of [echo, queue]) {
  let bytes = 0;
  for (let round = 0; round < 3; round++) {
    using connection = new Connection(libos, libos.socket("inet", "stream"));
    const before = memoryUsage().heapUsed;
    await libos.spawn(handler(connection));
    bytes = memoryUsage().heapUsed - before;
  }
  console.log(handler.name, bytes / (2 * ECHOES));
}
