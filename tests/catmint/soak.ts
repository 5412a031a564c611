/**
 * Many echoes, after which nothing is left and nothing has grown: `soak.ts [ECHOES]`, a million by default, on each
 * transport. A part of it is a test.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../mod.ts";
import { ALL, echo, openOn, type Transport, TRANSPORTS } from "./_catmint.ts";

const CLIENTS = 16;
const MESSAGE = 64;

/** Echoes between two libOSes of this process, after which nothing is open that was not before. */
export async function soak(transport: Transport, echoes: number): Promise<void> {
  // What Deno and UCX open once, they keep.
  await run(transport, 1000);
  const before = descriptors();
  await run(transport, echoes);
  assertEquals(descriptors(), before);
}

async function run(transport: Transport, echoes: number): Promise<void> {
  const libos = openOn(transport);
  const other = openOn(transport);
  const empty = other.statistics();
  const server = echo(other);
  const client = function* (seed: number) {
    using connection = yield* connect({ libos, port: server.addr.port });
    for (let i = 0; i < echoes / CLIENTS; i++) {
      const request = libos.alloc(MESSAGE);
      const mark = (seed + i) & 0xff;
      request.bytes().fill(mark);
      yield* connection.push(request);
      request.recycle();
      for (let received = 0; received < MESSAGE;) {
        const reply = yield* connection.pop();
        assert(reply !== null, "the server ended the stream");
        const bytes = reply.bytes();
        assert(bytes[0] === mark && bytes[bytes.length - 1] === mark, "an echo came back wrong");
        received += bytes.length;
        reply.recycle();
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => libos.spawn(client(i))));
  const { heapBytes } = other.statistics();
  assert(heapBytes < 4_000_000, `the heap has ${heapBytes} bytes`);
  await server.shutdown();
  const { heapBytes: _, ...left } = other.statistics();
  const { heapBytes: __, ...none } = empty;
  assertEquals(left, none);
  const [mine, theirs] = await Promise.all([libos.exit(), other.exit()]);
  for (const report of [mine, theirs]) {
    assertEquals(report, {
      leakedBuffers: 0,
      leakedBytes: 0,
      leaks: [],
      openQueues: 0,
      unusedTokens: 0,
    });
  }
}

/** What this process has open, but for Unix sockets: Deno makes a pair of those when it has run for a while. */
function descriptors(): string[] {
  const tcp = Deno.readTextFileSync("/proc/net/tcp");
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined) return target;
      return tcp.includes(` ${inode} `) ? "TCP" : "";
    } catch {
      // The list itself.
      return "";
    }
  }).filter((target) => target !== "").sort();
}

/** What this process has in memory, in MiB. */
function resident(): number {
  return Math.round(Deno.memoryUsage().rss / 2 ** 20);
}

if (import.meta.main) {
  const echoes = Number(Deno.args[0] ?? 1_000_000);
  for (const transport of ALL) {
    await soak(transport, 100_000);
    const before = resident();
    await soak(transport, echoes);
    console.log(
      `${TRANSPORTS[transport]}: ${echoes} echoes, ${before} MiB before, ${resident()} after`,
    );
  }
}
