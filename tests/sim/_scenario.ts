/**
 * What a seed makes of two hosts, some connections and a bad network: everything is drawn from the seed, and everything that
 * must be so is asserted.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, type Connection, listen, type Listener } from "../../libos/net/mod.ts";
import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import type { DemikernelError } from "../../libos/error.ts";
import type { Coroutine, QueueDescriptor } from "../../libos/pdpix.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";
import type { SimHost } from "../../libos/sim/host.ts";
import { simulate, type SimulatedNetwork } from "../../libos/sim/network.ts";
import type { LinkOptions } from "../../libos/sim/link.ts";

/** What came of a run: two runs of a seed have the same. */
export interface Outcome {
  /** A hash of all frames, with the times at which they were sent. */
  readonly hash: number;
  /** How many frames there were. */
  readonly frames: number;
  /** How long it took, in milliseconds of the network. */
  readonly time: number;
  /** Segments that were sent again. */
  readonly retransmitted: number;
}

/** One direction of a connection. */
interface Stream {
  /** The sizes of its pushes. */
  readonly pushes: readonly number[];
  /** What its bytes are made of. */
  readonly salt: number;
  /** How long its reader sleeps after a pop, in milliseconds. */
  readonly pause: number;
  /** The most that it pops at a time; 0 for all. */
  readonly popSize: number;
}

const PUSHES = [1, 7, 64, 536, 1448, 4096, 65_536, 262_144, 1 << 20];
const MTUS = [576, 1280, 1500, 4000, 9000];
export const HOUR = 3_600_000;
/** How often it is tried to connect. */
const TRIES = 5;
/** Bytes of one stream at most. */
const MOST = 1_200_000;

/** One of several values. */
export function pick<T>(random: SeededRandom, values: readonly T[]): T {
  return values[random.below(values.length)]!;
}

/** A link that is bad in some ways. */
export function drawLink(random: SeededRandom): LinkOptions {
  const some = (most: number) => random.chance(0.5) ? random.below(most) : 0;
  return {
    delay: pick(random, [0.01, 0.5, 5, 40]),
    jitter: some(5),
    loss: some(0.1),
    ...(random.chance(0.3) ? { burst: { enter: 0.01, leave: 0.3 } } : {}),
    reorder: some(0.1),
    duplicate: some(0.05),
    corrupt: some(0.03),
    mark: some(0.1),
    ...(random.chance(0.3) ? { bandwidth: 20e6, queue: 5 + random.below(60) } : {}),
  };
}

function drawStream(random: SeededRandom): Stream {
  const pushes: number[] = [];
  const count = random.below(12);
  for (let total = 0; pushes.length < count;) {
    const size = pick(random, PUSHES);
    if (total + size > MOST) break;
    total += size;
    pushes.push(size);
  }
  return {
    pushes,
    salt: random.below(251),
    pause: random.chance(0.2) ? random.below(20) : 0,
    popSize: random.chance(0.2) ? 1 + random.below(5000) : 0,
  };
}

function* write(
  host: SimHost,
  connection: Connection,
  stream: Stream,
  done: QueueDescriptor,
): Coroutine {
  let at = 0;
  for (const size of stream.pushes) {
    const sga = host.alloc(size);
    const bytes = sga.bytes();
    for (let i = 0; i < size; i++, at++) bytes[i] = (at * 7 + stream.salt) % 251;
    yield* connection.push(sga);
  }
  connection.closeWrite();
  yield* host.operations.push(done, host.alloc(0));
}

function* read(host: SimHost, connection: Connection, stream: Stream): Coroutine {
  let at = 0;
  const expected = stream.pushes.reduce((sum, size) => sum + size, 0);
  for (;;) {
    const sga = yield* connection.pop(stream.popSize === 0 ? {} : { size: stream.popSize });
    if (sga === null) break;
    const bytes = sga.bytes();
    for (let i = 0; i < bytes.length; i++, at++) {
      if (bytes[i] !== (at * 7 + stream.salt) % 251) throw new Error(`byte ${at} is wrong`);
    }
    sga.free();
    if (stream.pause > 0) yield* host.operations.sleep(stream.pause);
  }
  assertEquals(at, expected, "bytes of a stream");
}

function* both(
  host: SimHost,
  connection: Connection,
  out: Stream,
  incoming: Stream,
): Coroutine {
  // In one go there are no promises to join.
  const done = host.queue();
  host.spawn(write(host, connection, out, done));
  yield* read(host, connection, incoming);
  (yield* host.operations.pop(done))!.free();
  host.close(done);
  connection.close();
}

/** Connects; once more if all questions for the server's address were lost, or all SYNs. */
export function* persist(
  libos: SimHost,
  hostname: string,
  most = TRIES,
): Coroutine<Connection> {
  for (let tries = 1;; tries++) {
    try {
      return yield* connect({ libos, hostname, port: 7 });
    } catch (error) {
      const { code } = error as DemikernelError;
      if (!(code === "EHOSTUNREACH" || code === "ETIMEDOUT") || tries === most) throw error;
    }
  }
}

/** Nothing uses the network any more: what is left of connections ends by itself, and then nothing is left. */
export async function checkRest(
  network: SimulatedNetwork,
  hosts: readonly SimHost[],
): Promise<void> {
  network.runSync([
    (function* (): Coroutine {
      yield* hosts[0]!.operations.sleep(HOUR);
    })(),
  ], { limit: 2 * HOUR });
  for (const host of hosts) {
    const { stack } = host;
    assertEquals(stack.tcp.size, 0, `connections of ${host.hostname}`);
    for (const { users } of stack.interface.neighbours) assertEquals(users, 0);
    assert(stack.interface.neighbours.size <= BOUNDS.NEIGHBOURS);
    const { buffers, pending, queues } = host.statistics();
    assertEquals({ buffers, pending, queues }, { buffers: 0, pending: 0, queues: 0 });
    const report = await host.exit();
    assertEquals(report.leakedBuffers, 0);
  }
}

/** Runs a seed. */
export async function runScenario(seed: number): Promise<Outcome> {
  const random = new SeededRandom(seed ^ 0x5eed);
  const six = random.chance(0.4);
  const [first, second] = six ? ["fd00::1", "fd00::2"] : ["10.0.0.1", "10.0.0.2"];
  const prefix = six ? 64 : 24;
  const mtus = six ? MTUS.slice(1) : MTUS;
  let hash = 0;
  let frames = 0;
  const network = simulate({
    seed,
    check: true,
    trace: (line) => {
      frames++;
      for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    },
  });
  const make = (name: string, address: string) =>
    network.host({
      name,
      addresses: [`${address}/${prefix}`],
      mtu: pick(random, mtus),
      congestion: pick(random, ["cubic", "reno"]),
      ecn: random.chance(0.5),
      link: drawLink(random),
    }) as SimHost;
  const server = make("server", first!);
  const client = make("client", second!);
  const streams = Array.from({ length: 1 + random.below(3) }, () => ({
    up: drawStream(random),
    down: drawStream(random),
  }));
  const listener: Listener = listen({ libos: server, hostname: first!, port: 7 });

  // Which connection is which is told by its first byte, since they may come in another order.
  function* accept(): Coroutine {
    const connection = yield* listener.accept();
    const sga = yield* connection.pop({ size: 1 });
    const number = sga!.bytes()[0]!;
    sga!.free();
    const { up, down } = streams[number]!;
    yield* both(server, connection, down, up);
  }
  function* dial(number: number): Coroutine {
    const connection = yield* persist(client, first!);
    yield* connection.push(Uint8Array.of(number));
    const { up, down } = streams[number]!;
    yield* both(client, connection, up, down);
  }
  network.runSync(streams.flatMap((_, number) => [accept(), dial(number)]), { limit: 24 * HOUR });
  const time = network.now;
  listener.close();
  const retransmitted = [server, client].reduce(
    (sum, { stack }) => sum + stack.counters.tcpRetransmitted,
    0,
  );
  await checkRest(network, [server, client]);
  return { hash, frames, time, retransmitted };
}
