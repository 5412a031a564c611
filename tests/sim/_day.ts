/**
 * A day of two hosts on a bad network: now a burst, now an hour of silence, and now and then they do not reach each other for
 * a while. Every byte that is echoed is the right one, and in the end nothing is left.
 *
 * @module
 */

import { type Connection, listen } from "../../libos/net/mod.ts";
import type { Coroutine } from "../../libos/pdpix.ts";
import { checkRest, drawLink, HOUR, persist, pick } from "./_scenario.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";
import type { SimHost } from "../../libos/sim/host.ts";
import { simulate } from "../../libos/sim/network.ts";

/** Between two messages, in milliseconds. */
const PAUSES = [0, 0, 1, 50, 1000, 30_000, 60_000, 600_000, HOUR];
const SIZES = [1, 100, 1448, 20_000, 200_000];
/** Longer than the timeouts back off to, and shorter than what ends a connection. */
const OUTAGES = [100, 5000, 60_000, 300_000];
const CLIENTS = 3;

/** Runs a day of a seed; gives the number of messages that came back. */
export async function runDay(seed: number): Promise<number> {
  const random = new SeededRandom(seed ^ 0xda7);
  const network = simulate({ seed, check: true });
  const [server, client] = ["10.0.0.1", "10.0.0.2"].map((address) =>
    network.host({
      addresses: [`${address}/24`],
      congestion: pick(random, ["cubic", "reno"]),
      ecn: random.chance(0.5),
      link: drawLink(random),
    }) as SimHost
  );
  const listener = listen({ libos: server!, hostname: "10.0.0.1", port: 7 });
  let messages = 0;
  let running = CLIENTS;

  function* echo(connection: Connection): Coroutine {
    for (let sga = yield* connection.pop(); sga !== null; sga = yield* connection.pop()) {
      yield* connection.push(sga);
    }
    connection.close();
  }
  function* accept(): Coroutine {
    for (;;) server!.spawn(echo(yield* listener.accept()));
  }
  function* live(): Coroutine {
    while (network.now < 24 * HOUR) {
      const connection = yield* persist(client!, "10.0.0.1", Infinity);
      if (random.chance(0.5)) connection.setKeepAlive();
      for (let i = random.below(20); i > 0 && network.now < 24 * HOUR; i--) {
        yield* client!.operations.sleep(pick(random, PAUSES));
        yield* exchange(client!, connection, pick(random, SIZES), random.below(251));
        messages++;
      }
      connection.close();
      yield* client!.operations.sleep(pick(random, PAUSES));
    }
    running--;
  }
  function* disturb(): Coroutine {
    while (running > 0) {
      yield* client!.operations.sleep(random.below(4 * HOUR));
      network.partition([server!], [client!]);
      yield* client!.operations.sleep(pick(random, OUTAGES));
      network.heal();
    }
  }
  server!.spawn(accept()).catch(() => {});
  const clients = Array.from({ length: CLIENTS }, live);
  network.runSync([...clients, disturb()], { limit: 48 * HOUR });
  listener.close();
  await checkRest(network, [server!, client!]);
  return messages;
}

/** Sends a message, and takes as much back. */
function* exchange(host: SimHost, connection: Connection, size: number, salt: number): Coroutine {
  const sga = host.alloc(size);
  const bytes = sga.bytes();
  for (let i = 0; i < size; i++) bytes[i] = (i + salt) % 251;
  yield* connection.push(sga);
  for (let at = 0; at < size;) {
    const got = yield* connection.pop();
    if (got === null) throw new Error("the server is gone");
    for (const byte of got.bytes()) {
      if (byte !== (at++ + salt) % 251) throw new Error(`byte ${at - 1} is wrong`);
    }
    got.free();
  }
}
