/**
 * `load_echo.c` on a libOS of ours, or with `--get-share` `load_kv.c`, or with `--path` requests of HTTP, whose replies
 * are the same but for their date, for servers that no kernel socket reaches: in a closed loop, with the same options,
 * output and exit codes; connections have their turns in order. It waits as a C program on PDPIX does, in `wait`, so
 * nothing but the libOS is within each round trip, and 80 ns for the clock.
 *
 *     load.ts --port P [--libos catnap] [--configuration FILE] [--device DEVICE --address ADDRESS/PREFIX]
 *             [--host 127.0.0.1] [--connections 1] [--iterations 50000] [--warmup 0] [--time-limit MS] [--samples FILE]
 *             [--size 64] [--udp] [--get-share 0.5 [--keys 10000]] [--path /] [--pipeline 1]
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
  type Sga,
} from "../../mod.ts";

const PATIENCE_MS = 5_000;
/** Exchanges until V8 has compiled all of this and of the libOS, and for how many milliseconds at most they are made. */
const UNTIL_COMPILED = 100_000;
const COMPILING_MS = 500;
/** Different messages of each kind, so many; strides are odd. */
const MESSAGES = 4096;
const STRIDE = 1021;

/** What makes the exit code 1: the server answers, and wrongly. */
class WrongEcho extends Error {}

/** What a reply of HTTP begins with, and how long its body is. */
const HEAD = /^HTTP\/1\.1 200 .*\r\n(?:.+\r\n)*?content-length: (\d+)\r\n(?:.+\r\n)*\r\n/i;
/** Where any byte may come back. */
const ANY = -1;

/** What is sent at once, and what has to come back. */
interface Exchange {
  readonly request: Uint8Array;
  readonly reply: ArrayLike<number>;
}

/** A connection to the server, and what is under way on it. */
interface Connection {
  readonly libos: LibOS;
  readonly qd: QueueDescriptor;
  exchange: Exchange | null;
  message: Sga | null;
  pushed: QToken;
  begin: number;
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
      connections: { type: "string", default: "1" },
      size: { type: "string", default: "64" },
      iterations: { type: "string", default: "50000" },
      warmup: { type: "string", default: "0" },
      "time-limit": { type: "string", default: "0" },
      samples: { type: "string" },
      udp: { type: "boolean", default: false },
      "get-share": { type: "string" },
      pipeline: { type: "string", default: "1" },
      keys: { type: "string", default: "10000" },
      path: { type: "string" },
    },
  });
  const size = whole("size", values.size, 1);
  const pipeline = whole("pipeline", values.pipeline, 1);
  const iterations = Math.ceil(whole("iterations", values.iterations, 1) / pipeline);
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
  const count = whole("connections", values.connections, 1);
  const connections = Array.from({ length: count }, (): Connection => {
    const qd = libos.socket("inet", values.udp ? "dgram" : "stream");
    finish(libos, libos.connect(qd, { hostname: values.host, port }));
    if (!values.udp && libos.capabilities.options.includes("nodelay")) {
      libos.setsockopt(qd, "nodelay", true);
    }
    return { libos, qd, exchange: null, message: null, pushed: 0, begin: 0 };
  });
  let exchanges = values.path === undefined
    ? echoesOf(size)
    : requestsOf(connections[0]!, values.path, pipeline);
  const share = values["get-share"];
  if (share !== undefined) {
    const keys = whole("keys", values.keys, 1);
    measure(connections, Array.from({ length: keys }, (_, key) => set(key)), keys, Infinity);
    exchanges = batchesOf(keys, Number(share), pipeline);
  }
  measure(connections, exchanges, Math.ceil(warmup / pipeline), timeLimit);
  measure(connections, exchanges, UNTIL_COMPILED, COMPILING_MS);
  const begin = performance.now();
  const times = measure(connections, exchanges, iterations, timeLimit);
  const elapsed = Math.round((performance.now() - begin) * 1e6);
  for (const { qd } of connections) libos.close(qd);
  const operations = pipeline * times.length;
  const each = Float64Array.from(
    { length: operations },
    (_, i) => times[Math.floor(i / pipeline)]!,
  );
  if (values.samples !== undefined) {
    await Deno.writeFile(values.samples, new Uint8Array(each.buffer));
  }
  console.log(JSON.stringify({ operations, elapsed, bytes: operations * size }));
}

function whole(name: string, text: string, minimum: number): number {
  if (/^\d+$/.test(text) && Number(text) >= minimum) return Number(text);
  throw new Error(`--${name} takes a whole number from ${minimum}, not "${text}"`);
}

/** Different messages, each another window of the same random bytes. */
function echoesOf(size: number): Exchange[] {
  const bytes = new Uint8Array(size + MESSAGES);
  for (let i = 0, state = 1; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return Array.from({ length: MESSAGES }, (_, i) => {
    const request = bytes.subarray(i * STRIDE % MESSAGES, i * STRIDE % MESSAGES + size);
    return { request, reply: request };
  });
}

/** A SET, or a GET of what it set: 64 bytes. */
function set(key: number, get = false): Exchange {
  const value = String(key).padStart(64, "0");
  const name = `key:${String(key).padStart(12, "0")}`;
  const words = get ? ["GET", name] : ["SET", name, value];
  const request = words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
  const encoder = new TextEncoder();
  return {
    request: encoder.encode(`*${words.length}\r\n${request}`),
    reply: encoder.encode(get ? `$64\r\n${value}\r\n` : "+OK\r\n"),
  };
}

/** GET and SET of keys in turn, so many at once. */
function batchesOf(keys: number, share: number, pipeline: number): Exchange[] {
  return Array.from({ length: MESSAGES }, (_, batch) => {
    const each = Array.from({ length: pipeline }, (_, i) => {
      const number = (batch * pipeline + i) * STRIDE;
      return set(number % keys, number % 97 < share * 97);
    });
    const joined = (part: keyof Exchange) =>
      Uint8Array.from(each.flatMap((one) => Array.from(one[part])));
    return { request: joined("request"), reply: joined("reply") };
  });
}

/** GET of a path, so many at once; asks once, to know the reply. */
function requestsOf({ libos, qd }: Connection, path: string, pipeline: number): Exchange[] {
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const encoder = new TextEncoder();
  const message = libos.alloc(request.length);
  message.bytes().set(encoder.encode(request));
  finish(libos, libos.push(qd, message));
  message.free();
  let reply = "";
  for (let length = Infinity; reply.length < length;) {
    const completion = finish(libos, libos.pop(qd));
    const sga = completion.opcode === "pop" ? completion.sga : null;
    if (sga === null) throw new Error("the server closed a connection that was still needed");
    reply += new TextDecoder().decode(sga.toUint8Array());
    sga.free();
    const [head, size] = HEAD.exec(reply) ?? [];
    if (head !== undefined) length = head.length + Number(size);
    else if (reply.includes("\r\n\r\n")) throw new WrongEcho("a reply without its length");
  }
  const [before, date] = /^[^]*?\r\ndate: (.*)\r\n/i.exec(reply) ?? ["", ""];
  const end = before.length - 2;
  const one = Array.from(
    encoder.encode(reply),
    (byte, i) => i >= end - date!.length && i < end ? ANY : byte,
  );
  return [{
    request: encoder.encode(request.repeat(pipeline)),
    reply: Array.from({ length: pipeline }, () => one).flat(),
  }];
}

/** Waits for an operation; throws if it failed, or takes too long. */
function finish(libos: LibOS, qt: QToken): Completion {
  const completion = libos.wait(qt, PATIENCE_MS);
  if (completion.opcode === "failed") throw completion.error;
  return completion;
}

/** Makes `count` exchanges, or what the time limit allows; gives their times in nanoseconds. */
function measure(
  connections: readonly Connection[],
  exchanges: readonly Exchange[],
  count: number,
  timeLimit: number,
): Float64Array<ArrayBuffer> {
  const times = new Float64Array(count);
  const deadline = performance.now() + timeLimit;
  let [issued, made] = [0, 0];
  do {
    for (const connection of connections) {
      if (connection.exchange !== null) times[made++] = receive(connection);
      if (issued < count && performance.now() < deadline) {
        send(connection, exchanges[issued++ % exchanges.length]!);
      }
    }
  } while (made < issued);
  return times.subarray(0, made);
}

function send(connection: Connection, exchange: Exchange): void {
  const { libos, qd } = connection;
  const message = libos.alloc(exchange.request.length);
  message.bytes().set(exchange.request);
  connection.exchange = exchange;
  connection.message = message;
  connection.begin = performance.now();
  connection.pushed = libos.push(qd, message);
}

/** The push is awaited last: of a large message, the reply comes back while it is still being sent. */
function receive(connection: Connection): number {
  const { libos, qd, exchange, message, pushed, begin } = connection;
  const { reply } = exchange!;
  let end = begin;
  for (let received = 0; received < reply.length;) {
    const completion = finish(libos, libos.pop(qd));
    end = performance.now();
    const sga = completion.opcode === "pop" ? completion.sga : null;
    if (sga === null) throw new Error("the server closed a connection that was still needed");
    for (let segment = 0; segment < sga.numsegs; segment++) {
      const bytes = sga.bytes(segment);
      check(bytes, reply, received);
      received += bytes.length;
    }
    sga.recycle();
  }
  finish(libos, pushed);
  message!.recycle();
  connection.exchange = null;
  return (end - begin) * 1e6;
}

function check(bytes: Uint8Array, reply: ArrayLike<number>, start: number): void {
  if (start + bytes.length > reply.length) throw new WrongEcho("more came back than was sent");
  for (let i = 0; i < bytes.length; i++) {
    const byte = reply[start + i];
    if (bytes[i] !== byte && byte !== ANY) throw new WrongEcho("an echo came back wrong");
  }
}
