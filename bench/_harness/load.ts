/**
 * Running the load generators of `bench/peers/` against a server. All of them spin, check every byte of
 * every reply, and keep the latency of every operation.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import type { LibOSClient } from "./route.ts";
import { pinned, type Server } from "./server.ts";
import { TemporaryFile } from "./temporary_file.ts";

/** What all loads have. */
export interface LoadOptions {
  /** Operations to measure; the client keeps 8 bytes of memory for each, or 16 in an open loop. */
  readonly iterations: number;
  /** Another port of the server than its first. */
  readonly port?: number;
  /** What to do before the measurement, in its own unit: a server on V8 is compiled by then. @default {0} */
  readonly warmup?: number;
  /** Milliseconds after which the warm-up, and then the measurement, end early. */
  readonly timeLimit?: number;
  /** Connections to open. @default {1}, and 50 for GET and SET */
  readonly connections?: number;
  /** How many requests a connection has outstanding; but for echoes, they are sent at once. @default {1} */
  readonly pipeline?: number;
}

/** What {@linkcode loadConnect} is to do: one connection after the other, one echo on each. */
export type ConnectLoad = Omit<LoadOptions, "connections" | "pipeline">;

/** What {@linkcode loadEcho} is to do. */
export interface EchoLoad extends LoadOptions {
  /** Bytes in a message: at most 1 MiB, and 65 507 over UDP. @default {64} */
  readonly size?: number;
  /** Whether to send datagrams, from one socket in a closed loop. @default {false} */
  readonly udp?: boolean;
  /** How many of the connections exchange messages; the others were echoed once. All by default. */
  readonly active?: number;
  /**
   * Requests per second, over all connections: an open loop, where requests are due at random (Poisson), whatever
   * the server does, and their latency counts from when they were due. Without it each active connection
   * has one request outstanding, and its latency counts from when it was sent.
   */
  readonly rate?: number;
  /** Whether to tell what processor time the server has used. Not from a client on a libOS. @default {false} */
  readonly cpu?: boolean;
  /** The same seed gives the same Poisson arrivals again, from 1. @default {1} */
  readonly seed?: number;
}

/** What {@linkcode loadHttp} is to do. */
export interface HttpLoad extends LoadOptions {
  /** What our client asks for; it alone has several connections, or several requests outstanding. @default {"/"} */
  readonly path?: string;
  /** A port of the server on which an echo goes back and forth meanwhile. */
  readonly echoPort?: number | undefined;
}

/** What {@linkcode loadKeyValue} is to do. All keys are set before, to values of 64 bytes. */
export interface KeyValueLoad extends LoadOptions {
  /** How many of the requests are GET, from 0 to 1; the others are SET. @default {0.5} */
  readonly getShare?: number;
  /** How many keys there are. @default {10_000} */
  readonly keys?: number;
}

/** What was measured. */
export interface LoadResult {
  /** The latency of each operation in nanoseconds, in the order of completion; of echoes in a pipeline there are none. */
  readonly times: Float64Array;
  /** Operations that were completed. */
  readonly operations: number;
  /** Nanoseconds that the measurement took. */
  readonly elapsed: number;
  /** Bytes of messages, or of values, one way. */
  readonly bytes: number;
  /**
   * UDP: datagrams without a reply for 200 ms, as long as TCP waits at least before it sends again. Echoes on a
   * route that stalls: those without a reply for 1 s, which have no latency, and whose connection was left.
   */
  readonly lost?: number;
  /** Open loop: requests that were due, and had no reply yet when the time was up. */
  readonly unanswered?: number;
  /** Nanoseconds of processor time that the server used meanwhile, where that was asked for. */
  readonly cpu?: number;
}

/** Our client, on any libOS. */
const OUR_CLIENT = [
  ...[Deno.execPath(), "run", "-A", new URL("../peers/load.ts", import.meta.url).pathname],
];
/** A client that failed may have noticed the end of the server before we did. */
const SETTLE_MS = 500;
/** How often a measurement is begun on a route that stalls. */
const ATTEMPTS = 5;
/** What a generator says of a server that fell silent. */
const STALLED = /no (?:echo|reply) within 5 s/;

/**
 * Measures echoes, in a closed or an open loop.
 *
 * @throws {BenchmarkError} If an echo came back wrong, the server died, or the options contradict each other.
 */
export async function loadEcho(
  machine: Machine,
  server: Server,
  { rate, cpu, ...options }: EchoLoad,
): Promise<LoadResult> {
  if (rate !== undefined || cpu || options.pipeline) assertKernelClient(server, "such a load");
  const client = clientOnLibOS(machine, server);
  const program = server.client !== undefined
    ? [server.client]
    : client === undefined
    ? [await buildPeer(machine, "load_echo")]
    : OUR_CLIENT;
  const reconnect = server.route.stalls && client === undefined && !options.udp &&
    rate === undefined;
  const flags = { ...options, ...client, rate, reconnect, ...(cpu && { cpuOf: server.pid }) };
  return await measure(machine, server, program, flags);
}

/** Measures a server by one of the load generators; rejects with a {@linkcode BenchmarkError} as {@linkcode loadEcho} does. */
export type Load<Options> = (
  machine: Machine,
  server: Server,
  options: Options,
) => Promise<LoadResult>;

/** Measures GET and SET on a server that speaks the protocol of Redis. */
export const loadKeyValue: Load<KeyValueLoad> = async (machine, server, options) => {
  const { client } = server.route;
  const all = { connections: 50, getShare: 0.5, keys: 10_000, ...options, ...client };
  const program = client === undefined ? [await buildPeer(machine, "load_kv")] : OUR_CLIENT;
  return await measure(machine, server, program, all);
};

/** Measures the making of connections: from connect() until 64 bytes were echoed. */
export const loadConnect: Load<ConnectLoad> = async (machine, server, options) => {
  assertKernelClient(server, "the making of connections");
  return await measure(machine, server, [await buildPeer(machine, "load_connect")], options);
};

/** Measures requests over HTTP, on connections that are kept: by `load_http.c` GET / on one. */
export const loadHttp: Load<HttpLoad> = async (machine, server, options) => {
  const { client } = server.route;
  if (client !== undefined) {
    return await measure(machine, server, OUR_CLIENT, { path: "/", ...options, ...client });
  }
  return await measure(machine, server, [await buildPeer(machine, "load_http")], options);
};

/** That of the route, or, since there is none in C without a compiler, one on catnap. It makes closed loops. */
function clientOnLibOS({ compiler }: Machine, { route }: Server): LibOSClient | undefined {
  return route.client ?? (compiler === undefined ? { libos: "catnap" } : undefined);
}

/** Our client on a libOS cannot do all. */
function assertKernelClient({ name, route }: Server, what: string): void {
  if (route.client === undefined) return;
  throw new BenchmarkError(
    `Cannot measure ${what} of ${name}: on ${route.client.libos} there is a client for echoes, GET and SET, ` +
      "and HTTP in a closed loop alone; measure those",
  );
}

/**
 * Runs another client, to its end, where the route has its clients, and returns what it printed.
 *
 * @throws {BenchmarkError} If it failed, or the server died.
 */
export async function runClient(
  machine: Machine,
  server: Server,
  argv: readonly string[],
): Promise<string> {
  const whole = [...server.route.clientPrefix, ...argv];
  const { code, stdout, stderr } = await run(pinned(machine, "client", whole));
  await server.assertAlive();
  if (code !== 0) throw new BenchmarkError(`Cannot measure ${server.name}: ${stderr || stdout}`);
  return stdout;
}

async function measure(
  machine: Machine,
  server: Server,
  program: readonly string[],
  { port = server.port, ...flags }: LoadOptions,
): Promise<LoadResult> {
  const { hostname: host, clientPrefix, stalls = false } = server.route;
  const attempts = stalls ? ATTEMPTS : 1;
  using samples = new TemporaryFile();
  const own = { port, host, samples: samples.path };
  const argv = pinned(machine, "client", [
    ...clientPrefix,
    ...program,
    ...commandLine({ ...own, ...flags }),
  ]);
  let outcome = await run(argv);
  for (let attempt = 1; attempt < attempts && STALLED.test(outcome.stderr); attempt++) {
    await server.assertAlive();
    outcome = await run(argv);
  }
  const { code, stdout, stderr } = outcome;
  await server.assertAlive(code > 1 ? SETTLE_MS : 0);
  if (code === 1) {
    throw new BenchmarkError(`Replies of ${server.name} came back wrong: ${stderr}`);
  }
  if (code !== 0) throw new BenchmarkError(`Cannot measure ${server.name}: ${stderr}`);
  const { buffer } = await Deno.readFile(samples.path);
  return { times: new Float64Array(buffer), ...JSON.parse(stdout) };
}

/** The options of a program: `timeLimit: 64` is `--time-limit 64`, and `udp: true` is `--udp`. */
function commandLine(flags: object): string[] {
  return Object.entries(flags).flatMap(([key, value]) => {
    const name = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    return value === true ? [name] : [name, String(value)];
  });
}
