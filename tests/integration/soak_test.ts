import { assert, assertEquals } from "@std/assert";
import { connect, open, serve } from "../../mod.ts";

const ECHOES = 1_000_000;
const CLIENTS = 16;
const MESSAGE = 64;

/** What this process has open. */
function descriptors(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).sort();
}

Deno.test("a million echoes leave no buffer, no token, no operation and no descriptor behind", async () => {
  const before = descriptors();
  const libos = open("catnap");
  const empty = libos.statistics();
  const server = serve({ libos, hostname: "127.0.0.1", port: 0 }, function* (connection) {
    for (;;) {
      const sga = yield* connection.pop();
      if (sga === null) return;
      yield* connection.push(sga);
      sga.free();
    }
  });
  const client = function* (seed: number) {
    using connection = yield* connect({ libos, port: server.addr.port });
    for (let i = 0; i < ECHOES / CLIENTS; i++) {
      const request = libos.alloc(MESSAGE);
      const mark = (seed + i) & 0xff;
      request.bytes().fill(mark);
      yield* connection.push(request);
      request.free();
      for (let received = 0; received < MESSAGE;) {
        const reply = yield* connection.pop();
        assert(reply !== null, "the server ended the stream");
        const bytes = reply.bytes();
        assert(bytes[0] === mark && bytes[bytes.length - 1] === mark, "an echo came back wrong");
        received += bytes.length;
        reply.free();
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => libos.spawn(client(i))));
  await server.shutdown();
  const { heapBytes: _, ...left } = libos.statistics();
  const { heapBytes: __, ...none } = empty;
  assertEquals(left, none);
  assertEquals(await libos.exit(), {
    leakedBuffers: 0,
    leakedBytes: 0,
    leaks: [],
    openQueues: 0,
    unusedTokens: 0,
  });
  assertEquals(descriptors(), before);
});
