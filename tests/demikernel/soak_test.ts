/**
 * A million echoes over native catnap, the clients over our own.
 *
 * @module
 */

import "../_preload.ts";
import { assert, assertEquals } from "@std/assert";
import { connect, open } from "../../mod.ts";
import type { LibOS, Statistics } from "../../mod.ts";
import { nativeTest } from "../ffi/_demikernel.ts";

const ECHOES = 1_000_000;
const CLIENTS = 16;
const MESSAGE = 64;
/**
 * What may be added to the memory of the process between a quarter of the echoes and all of them. Upstream's catnap
 * leaks nothing in an echo, so this is the room that allocators and compilers take: at 64 bytes, one lost buffer
 * in each echo would be 48 MB, and one byte in each 0.75.
 */
const ROOM = 4 << 20;

/** The server, in a process of its own. */
class Server implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor() {
    const program = new URL("_soak_server.ts", import.meta.url).pathname;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", program],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#output = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line(): Promise<unknown> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#output.read();
      if (done) throw new Error("the server ended");
      this.#rest += value;
    }
    const [line, ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return JSON.parse(line!);
  }

  async ask(): Promise<Statistics & { rss: number }> {
    await this.#input.write(new TextEncoder().encode("?\n"));
    return await this.line() as Statistics & { rss: number };
  }

  async end(): Promise<unknown> {
    await this.#input.close();
    return await this.line();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    while (!(await this.#output.read()).done);
    await this.#process.status;
  }
}

async function echo(libos: LibOS, port: number, echoes: number): Promise<void> {
  const client = function* (seed: number) {
    using connection = yield* connect({ libos, port });
    for (let i = 0; i < echoes / CLIENTS; i++) {
      const request = libos.alloc(MESSAGE);
      const mark = (seed + i) & 0xff;
      request.bytes().fill(mark);
      yield* connection.push(request);
      request.free();
      for (let received = 0; received < MESSAGE;) {
        const reply = (yield* connection.pop())!;
        const bytes = reply.bytes();
        assert(bytes[0] === mark && bytes[bytes.length - 1] === mark, "an echo came back wrong");
        received += bytes.length;
        reply.free();
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => libos.spawn(client(i))));
}

nativeTest("catnap", "a million echoes over native catnap leave nothing behind", async () => {
  await using server = new Server();
  await using libos = open("catnap");
  const port = await server.line() as number;
  await echo(libos, port, ECHOES / 4);
  const before = await server.ask();
  await echo(libos, port, ECHOES * 3 / 4);
  const after = await server.ask();
  const grown = after.rss - before.rss;
  assert(grown < ROOM, `${grown} bytes more, of ${before.rss}`);
  assertEquals(await server.end(), {
    queues: 0,
    pending: 0,
    tokens: 0,
    buffers: 0,
    bufferBytes: 0,
    heapBytes: after.heapBytes,
    leakedBuffers: 0,
    leakedBytes: 0,
    leaks: [],
    openQueues: 0,
    unusedTokens: 0,
  });
});
