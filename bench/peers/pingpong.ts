/**
 * The client for machines without a C compiler: the same options and the same output as `pingpong.c`,
 * over `Deno.connect`. It awaits instead of spinning, and its own cost is within each round trip.
 *
 * @module
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string" },
    size: { type: "string", default: "64" },
    iterations: { type: "string", default: "50000" },
    warmup: { type: "string", default: "5000" },
    "time-limit": { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const size = Number(values.size);
const timeLimit = Number(values["time-limit"]) || Infinity;
const PATIENCE_MS = 5_000;
let seed = 0;
let mismatches = 0;
let echoes = 0;

try {
  const port = Number(values.port);
  using conn = await Deno.connect({ hostname: values.hostname, port });
  conn.setNoDelay(true);
  using _ = watchdog();
  await measure(conn, Number(values.warmup));
  print(await measure(conn, Number(values.iterations)));
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(2);
}
Deno.exit(mismatches === 0 ? 0 : 1);

/** Gives up on a server that falls silent. */
function watchdog(): Disposable {
  let last = -1;
  const timer = setInterval(() => {
    if (echoes === last) {
      console.error("no echo within 5 s");
      Deno.exit(2);
    }
    last = echoes;
  }, PATIENCE_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function measure(conn: Deno.TcpConn, count: number): Promise<Float64Array> {
  const times = new Float64Array(count);
  const message = new Uint8Array(size);
  const reply = new Uint8Array(size);
  const deadline = performance.now() + timeLimit;
  let made = 0;
  for (; made < count && performance.now() < deadline; made++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    for (let i = 0; i < size; i++) message[i] = (seed >>> 24) + i * 31;
    const begin = performance.now();
    await roundTrip(conn, message, reply);
    times[made] = (performance.now() - begin) * 1e6;
    echoes++;
    if (!reply.every((byte, i) => byte === message[i])) mismatches++;
  }
  return times.subarray(0, made);
}

async function roundTrip(conn: Deno.TcpConn, message: Uint8Array, reply: Uint8Array) {
  for (let sent = 0; sent < size;) sent += await conn.write(message.subarray(sent));
  for (let received = 0; received < size;) {
    const n = await conn.read(reply.subarray(received));
    if (n === null) {
      throw new Error("the server closed the connection before the echo was complete");
    }
    received += n;
  }
}

function print(times: Float64Array): void {
  const sorted = times.toSorted();
  const at = (q: number) => Math.round(sorted[Math.floor((sorted.length - 1) * q)]!);
  const result = {
    iterations: sorted.length,
    size,
    mismatches,
    min: at(0),
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    mean: Math.round(sorted.reduce((sum, time) => sum + time, 0) / sorted.length),
  };
  const text = Object.entries(result).map(([name, value]) => `${name} ${value}`).join(", ");
  console.log(values.json ? JSON.stringify(result) : text);
}
