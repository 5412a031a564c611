/**
 * As much of Redis as its benchmark leaves unchecked.
 *
 * @module
 */
import { UnreachableError } from "./check_echo.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Server } from "./server.ts";

const PATIENCE_MS = 5_000;

/**
 * Sets a key and gets it back: `redis-benchmark` counts any reply, right or wrong.
 *
 * @throws {UnreachableError} If the server cannot be reached.
 * @throws {BenchmarkError} If it answers anything else.
 */
export async function checkKeyValueServer(server: Server): Promise<void> {
  using conn = await connect(server);
  const value = `checked by ${Deno.pid}`;
  const request = command("SET", "bench:check", value) + command("GET", "bench:check");
  const expected = `+OK\r\n$${value.length}\r\n${value}\r\n`;
  await conn.write(new TextEncoder().encode(request));
  const timer = setTimeout(() => conn.close(), PATIENCE_MS);
  const reply = await read(conn, expected.length).finally(() => clearTimeout(timer));
  await server.assertAlive();
  if (reply === expected) return;
  throw new BenchmarkError(`Server ${server.name} answered SET and GET wrongly: ${quote(reply)}`);
}

async function connect({ name, port }: Server): Promise<Deno.TcpConn> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    throw new UnreachableError(`Cannot connect to ${name}: ${(error as Error).message}`);
  }
}

async function read(conn: Deno.TcpConn, length: number): Promise<string> {
  const buffer = new Uint8Array(length);
  let received = 0;
  try {
    while (received < length) {
      const n = await conn.read(buffer.subarray(received));
      if (n === null) break;
      received += n;
    }
  } catch {
    // Closed by the timer: what has come until then is the answer.
  }
  return new TextDecoder().decode(buffer.subarray(0, received));
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** Returns the requests per second of each command out of `redis-benchmark --csv`. */
export function parseBenchmarkCsv(csv: string): Map<string, number> {
  const rows = csv.split("\n").map((line) =>
    line.split(",").map((cell) => cell.replaceAll('"', ""))
  );
  const rates = rows.map(([name, rate]) => [name ?? "", Number(rate)] as const);
  return new Map(rates.filter(([name, rate]) => name !== "" && rate > 0));
}
