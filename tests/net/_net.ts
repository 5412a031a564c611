/**
 * What the tests of the coroutine layer share: a libOS that must be left empty, and plain clients.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  type LibOS,
  listen,
  open,
  type OpenOptions,
  type Sga,
} from "../../mod.ts";

/** Where tests listen. */
export const LOOPBACK = { hostname: "127.0.0.1", port: 0 } as const;

/** A test on a libOS of its own; fails if it leaves a queue, an operation, a token or a buffer behind. */
export function netTest(
  name: string,
  body: (libos: LibOS) => Promise<void>,
  options: OpenOptions = {},
): void {
  Deno.test({
    name,
    timeout: 20_000,
    async fn() {
      const libos = open({ debug: true, ...options });
      const before = held(libos);
      try {
        await body(libos);
        assertEquals(held(libos), before);
      } finally {
        await libos.exit();
      }
    },
  });
}

/** What a libOS holds. */
export function held(libos: LibOS) {
  const { queues, pending, tokens, buffers } = libos.statistics();
  return { queues, pending, tokens, buffers };
}

/** Two ends of one connection, client first, which the test closes, or who owns them. */
export async function makePair(
  libos: LibOS,
  owner?: DisposableStack,
): Promise<[Connection, Connection]> {
  using listener = listen({ libos, ...LOOPBACK });
  const client = await connect({ libos, port: listener.addr.port });
  const server = await listener.accept();
  owner?.use(client);
  owner?.use(server);
  return [client, server];
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of an sga, which is freed; null at the end of a stream. */
export function text(sga: Sga | null): string | null {
  if (sga === null) return null;
  const string = new TextDecoder().decode(sga.toUint8Array());
  sga.free();
  return string;
}

/** Gives the length of everything that arrives until the end of the stream. */
export async function countToEnd(connection: Connection): Promise<number> {
  let count = 0;
  for await (using sga of connection) count += sga.length;
  return count;
}

/** Reads all that a socket of Deno gives until its end; rejects if that is a reset. */
export async function readAll(connection: Deno.Conn): Promise<string> {
  return await new Response(connection.readable).text();
}

/** Sends a text over a socket of Deno, closes its write side, and gives all that comes back. */
export async function exchange(port: number, request: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(bytes(request));
  await connection.closeWrite();
  return await readAll(connection);
}

/** An echo as an async function over an async iterator. */
export async function iteratorEcho(connection: Connection): Promise<void> {
  for await (const sga of connection) await connection.push(sga);
}

/** An echo as a generator over operations. */
export function* generatorEcho(connection: Connection) {
  for (;;) {
    const sga = yield* connection.pop();
    if (sga === null) return;
    yield* connection.push(sga);
  }
}

/** Both kinds of echo, by name. */
export const ECHOES = { iterator: iteratorEcho, generator: generatorEcho } as const;
