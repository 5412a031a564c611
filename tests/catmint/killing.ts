/**
 * Either end of connections is killed, and the other one learns of it: `killing.ts [TIMES]`, 100 by default, on each
 * transport. A part of it is a test.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, serve } from "../../mod.ts";
import type { Program } from "../examples/_program.ts";
import { ALL, openOn, startOn, type Transport, TRANSPORTS } from "./_catmint.ts";

/** By when it has to know, in milliseconds. */
const LIMIT = 2000;

/** Kills servers, then clients, so often. Nothing is left of them here. */
export async function killEither(transport: Transport, times: number): Promise<void> {
  await using libos = openOn(transport);
  const before = libos.statistics();
  for (let i = 0; i < times; i++) {
    await using program = await startOn(transport, "tcp_echo");
    const [quiet, busy] = [
      await connect({ libos, port: program.port }),
      await connect({ libos, port: program.port }),
    ];
    await quiet.push("hello");
    (await quiet.pop({ timeout: LIMIT }))?.free();
    const pop = codeOf(quiet.pop({ timeout: LIMIT }));
    const pushing = (async () => {
      // Nobody pops the echoes: so it waits for credit at last.
      for (;;) await busy.push(new Uint8Array(100_000));
    })().catch(({ name }: Error) => name);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await program.end("SIGKILL");
    assertEquals([await pop, await pushing], ["ConnectionReset", "ConnectionReset"]);
    quiet.close();
    busy.close();
  }
  const ended = Array.from({ length: times }, () => Promise.withResolvers<string>());
  const arrived = Array.from({ length: times }, () => Promise.withResolvers<void>());
  let count = 0;
  await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, async (connection) => {
    const i = count++;
    (await connection.pop({ timeout: LIMIT }))?.free();
    arrived[i]!.resolve();
    ended[i]!.resolve(await codeOf(connection.pop({ timeout: LIMIT })));
  });
  for (let i = 0; i < times; i++) {
    await using client = await Relay.to(transport, server.addr.port);
    await arrived[i]!.promise;
    await client.program.end("SIGKILL");
    assertEquals(await ended[i]!.promise, "ConnectionReset");
  }
  await server.shutdown();
  // What was coming in is held for a while.
  for (let i = 0; i < 20 && libos.statistics().buffers > 0; i++) await libos.operations.sleep(100);
  const { heapBytes: _, ...left } = libos.statistics();
  const { heapBytes: __, ...none } = before;
  assertEquals(left, none);
}

/** A client in a process of its own: the relay, to which something comes to be relayed. */
class Relay implements AsyncDisposable {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  static async to(transport: Transport, port: number): Promise<Relay> {
    const relay = await startOn(transport, "relay", ["--to", `127.0.0.1:${port}`]);
    const libos = openOn(transport);
    const connection = await connect({ libos, port: relay.port });
    await connection.push("hello");
    void connection.pop().then((sga) => sga?.free(), () => {}).finally(() => libos.exit());
    return new Relay(relay);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

async function codeOf(result: PromiseLike<{ free(): void } | null>): Promise<string> {
  try {
    const sga = await result;
    sga?.free();
    return sga === null ? "end" : "data";
  } catch (error) {
    return (error as Error).name;
  }
}

if (import.meta.main) {
  const times = Number(Deno.args[0] ?? 100);
  assert(Number.isInteger(times) && times > 0, "give a number of times");
  for (const transport of ALL) {
    await killEither(transport, times);
    console.log(`${TRANSPORTS[transport]}: either end killed ${times} times`);
  }
}
