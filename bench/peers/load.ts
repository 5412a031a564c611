/**
 * `load_echo.c` on a libOS of ours, for servers that no kernel socket reaches: one connection, or datagrams, in
 * a closed loop, with the same options, output and exit codes. It waits as a C program on PDPIX does, in
 * `wait`, so nothing but the libOS is within each round trip, and 80 ns for the clock.
 *
 *     load.ts --port P [--libos catnap] [--configuration FILE] [--device DEVICE --address ADDRESS/PREFIX]
 *             [--host 127.0.0.1] [--size 64] [--iterations 50000] [--warmup 0] [--time-limit MS] [--samples FILE] [--udp]
 *
 * @module
 */
import { parseArgs } from "node:util";
import {
  type Completion,
  type LibOS,
  type LibOSName,
  open,
  type QToken,
  type QueueDescriptor,
} from "../../mod.ts";

const PATIENCE_MS = 5_000;
/** Different messages: each is another window of the same random bytes. Strides are odd. */
const MESSAGES = 4096;
const STRIDE = 1021;

/** What makes the exit code 1: the server answers, and wrongly. */
class WrongEcho extends Error {}

/** The connection to the server, and what is sent on it. */
interface Connection {
  readonly libos: LibOS;
  readonly qd: QueueDescriptor;
  readonly size: number;
  readonly pattern: Uint8Array;
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(error instanceof WrongEcho ? 1 : 2);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string" },
      libos: { type: "string", default: "catnap" },
      configuration: { type: "string" },
      device: { type: "string" },
      address: { type: "string", multiple: true },
      size: { type: "string", default: "64" },
      iterations: { type: "string", default: "50000" },
      warmup: { type: "string", default: "0" },
      "time-limit": { type: "string", default: "0" },
      samples: { type: "string" },
      udp: { type: "boolean", default: false },
    },
  });
  const size = whole("size", values.size, 1);
  const iterations = whole("iterations", values.iterations, 1);
  const warmup = whole("warmup", values.warmup, 0);
  const timeLimit = whole("time-limit", values["time-limit"], 0) || Infinity;
  const port = whole("port", values.port ?? "", 1);
  await using libos = open({
    libos: values.libos as LibOSName,
    idle: "spin",
    ...(values.configuration !== undefined && { configuration: values.configuration }),
    ...(values.device !== undefined && { device: values.device as `tap:${string}` }),
    ...(values.address !== undefined && { addresses: values.address }),
  });
  const qd = libos.socket("inet", values.udp ? "dgram" : "stream");
  finish(libos, libos.connect(qd, { hostname: values.host, port }));
  if (!values.udp && libos.capabilities.options.includes("nodelay")) {
    libos.setsockopt(qd, "nodelay", true);
  }
  const connection = { libos, qd, size, pattern: randomBytes(size + MESSAGES) };
  measure(connection, warmup, timeLimit, 0);
  const begin = performance.now();
  const times = measure(connection, iterations, timeLimit, warmup);
  const elapsed = Math.round((performance.now() - begin) * 1e6);
  libos.close(qd);
  if (values.samples !== undefined) {
    await Deno.writeFile(values.samples, new Uint8Array(times.buffer, 0, times.byteLength));
  }
  console.log(JSON.stringify({ operations: times.length, elapsed, bytes: times.length * size }));
}

function whole(name: string, text: string, minimum: number): number {
  if (/^\d+$/.test(text) && Number(text) >= minimum) return Number(text);
  throw new Error(`--${name} takes a whole number from ${minimum}, not "${text}"`);
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Waits for an operation; throws if it failed, or takes too long. */
function finish(libos: LibOS, qt: QToken): Completion {
  const completion = libos.wait(qt, PATIENCE_MS);
  if (completion.opcode === "failed") throw completion.error;
  return completion;
}

/** Makes `count` echoes, or what the time limit allows; gives their times in nanoseconds. */
function measure(
  connection: Connection,
  count: number,
  timeLimit: number,
  first: number,
): Float64Array<ArrayBuffer> {
  const times = new Float64Array(count);
  const deadline = performance.now() + timeLimit;
  let made = 0;
  while (made < count && performance.now() < deadline) {
    times[made] = roundTrip(connection, (first + made) * STRIDE % MESSAGES);
    made++;
  }
  return times.subarray(0, made);
}

/** The push is awaited last: of a large message, the echo comes back while it is still being sent. */
function roundTrip({ libos, qd, size, pattern }: Connection, start: number): number {
  const message = libos.alloc(size);
  message.bytes().set(pattern.subarray(start, start + size));
  const begin = performance.now();
  const pushed = libos.push(qd, message);
  let end = begin;
  for (let received = 0; received < size;) {
    const completion = finish(libos, libos.pop(qd));
    end = performance.now();
    const sga = completion.opcode === "pop" ? completion.sga : null;
    if (sga === null) throw new Error("the server closed a connection that was still needed");
    for (let segment = 0; segment < sga.numsegs; segment++) {
      const bytes = sga.bytes(segment);
      check(bytes, pattern, start + received, start + size);
      received += bytes.length;
    }
    sga.recycle();
  }
  finish(libos, pushed);
  message.recycle();
  return (end - begin) * 1e6;
}

function check(bytes: Uint8Array, pattern: Uint8Array, start: number, end: number): void {
  if (start + bytes.length > end) throw new WrongEcho("more came back than was sent");
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== pattern[start + i]) throw new WrongEcho("an echo came back wrong");
  }
}
