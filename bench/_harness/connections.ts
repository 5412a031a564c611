/**
 * Holding many connections open.
 *
 * @module
 */
import { BenchmarkError } from "./command_line.ts";
import type { Server } from "./server.ts";

/** The client may notice the end of the server before we do. */
const SETTLE_MS = 500;
const PATIENCE_MS = 30_000;
const SIZE = 64;

/**
 * Opens connections to a server on this host, with so many checked echoes of 64 bytes on each before it falls silent.
 *
 * @returns What closes them when it is disposed of, and checks that they held.
 * @throws {BenchmarkError} If one was refused, closed or answered wrongly.
 */
export async function holdConnections(
  server: Server,
  count: number,
  echoes: number,
): Promise<AsyncDisposable> {
  const held = new Set<Deno.TcpConn>();
  const silence: Promise<void>[] = [];
  const close = async () => {
    for (const conn of held) conn.close();
    await Promise.all(silence);
  };
  const fail = async (why: string) => {
    await close();
    await server.assertAlive(SETTLE_MS);
    throw new BenchmarkError(`Cannot hold connections to ${server.name}: ${why}`);
  };
  const timer = setTimeout(close, PATIENCE_MS);
  try {
    for (let i = 0; i < count; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      held.add(conn);
      conn.setNoDelay(true);
      for (let j = 0; j < echoes; j++) await echo(conn, i + j & 255);
      // Whatever it brings from now on, or its end, is what must not be.
      const leave = () => void held.delete(conn);
      silence.push(conn.read(new Uint8Array(1)).then(leave, leave));
    }
  } catch (error) {
    await fail((error as Error).message);
  } finally {
    clearTimeout(timer);
  }
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      const lost = count - held.size;
      if (lost > 0) await fail(`${lost} did not stay open and silent`);
      await close();
    },
  };
}

async function echo(conn: Deno.TcpConn, byte: number): Promise<void> {
  await conn.write(new Uint8Array(SIZE).fill(byte));
  const reply = new Uint8Array(SIZE);
  for (let received = 0; received < SIZE;) {
    const n = await conn.read(reply.subarray(received));
    if (n === null) throw new Error("the server closed a connection that was still open here");
    received += n;
  }
  if (reply.some((value) => value !== byte)) throw new Error("an echo came back wrong");
}
