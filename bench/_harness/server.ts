/**
 * Servers under measurement: started pinned, awaited until they listen, and always stopped.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { signal, spawn } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import { PauseLog, type Pauses } from "./garbage.ts";
import type { Machine } from "./machine.ts";
import { LOOPBACK, type Route } from "./route.ts";

/** A server to start. */
export interface ServerCommand {
  /** What tables and messages call it. */
  readonly name: string;
  /** Its command line. */
  readonly argv: readonly string[];
  /** Matches what it prints when ready; the first group, if any, is its port, or several by comma. */
  readonly ready?: RegExp;
  /** Its port, where its output does not say it. */
  readonly port?: number;
  /** Whether it prints a line on stdout for each garbage collection, as V8 does with `--trace-gc`. */
  readonly tracesPauses?: boolean;
  /** More environment variables. Those of the route win. @default {{}} */
  readonly env?: Readonly<Record<string, string>>;
  /** The option that says on which address it listens; its value is the next argument. @default {"--hostname"} */
  readonly hostnameOption?: string;
  /** How clients come to it. @default {LOOPBACK} */
  readonly route?: Route;
  /** The only program that makes echoes with it. It has the options of `load_echo.c`. */
  readonly client?: string;
}

const READY = /listening on [\w.:[\]]*:([\d,]+)/;
const START_MS = 15_000;
const STOP_MS = 3_000;
/** What the server has printed by now is in the pipe; this is ample time to read it from there. */
const READ_MS = 10;
/** Servers with thousands of connections need as many descriptors. */
const DESCRIPTORS = 20_000;

/** A running server. Disposing of it stops it and waits for its end. */
export class Server implements AsyncDisposable {
  /** What tables and messages call it. */
  readonly name: string;
  /** The ports it listens on. */
  readonly ports: readonly [number, ...number[]];
  /** How clients come to it. */
  readonly route: Route;
  /** The only program that makes echoes with it, if others do not. */
  readonly client: string | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #output: Output;
  readonly #tracesPauses: boolean;
  #ended = false;

  private constructor(
    { name, tracesPauses = false, route = LOOPBACK, client }: ServerCommand,
    ports: readonly [number, ...number[]],
    child: Deno.ChildProcess,
    output: Output,
  ) {
    this.name = name;
    this.ports = ports;
    this.route = route;
    this.client = client;
    this.#tracesPauses = tracesPauses;
    this.#child = child;
    this.#output = output;
    child.status.then(() => this.#ended = true);
  }

  /**
   * Starts a server on the server's core and waits until it listens.
   *
   * @throws {BenchmarkError} If it ends, or says nothing for 15 s, instead; or if its route cannot be completed.
   */
  static async start(machine: Machine, command: ServerCommand): Promise<Server> {
    const { argv, env = {}, route = LOOPBACK } = command;
    route.prepare?.();
    const whole = [...route.serverPrefix, ...argv];
    const child = spawn(withDescriptors(pinned(machine, "server", whole)), {
      env: { ...env, ...route.serverEnv },
    });
    const output = new Output(child, command.ready ?? READY);
    const match = await output.ready;
    if (match === undefined) {
      signal(child, "SIGKILL");
      const { code } = await child.status;
      throw new BenchmarkError(
        `Cannot start ${command.name}: it did not get ready (exit code ${code}): ` +
          `${argv.join(" ")}${output.tail()}`,
      );
    }
    const [port = NaN, ...others] = (match[1] ?? "").split(",").map(Number);
    const server = new Server(command, [command.port ?? port, ...others], child, output);
    try {
      route.complete?.();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new BenchmarkError(`Cannot reach ${command.name}: ${(error as Error).message}`);
    }
    return server;
  }

  /** The port it listens on; the first one of several. */
  get port(): number {
    return this.ports[0];
  }

  /** The process id of the server itself: the wrappers before it have all exec'd. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Checks that the server still runs.
   *
   * @param graceMs How long to wait for its end to be noticed: a client sees a closed connection first.
   * @throws {BenchmarkError} If it has ended.
   */
  async assertAlive(graceMs: number = 0): Promise<void> {
    if (!this.#ended) await waitAtMost(this.#child.status, graceMs);
    if (!this.#ended) return;
    const { code, signal } = await this.#child.status;
    throw new BenchmarkError(
      `Server ${this.name} died while measured (${signal ?? `exit code ${code}`})` +
        this.#output.tail(),
    );
  }

  /** Stops it where it is: it takes no time from others, and answers nothing. */
  pause(): void {
    signal(this.#child, "SIGSTOP");
  }

  /** Lets it go on after {@linkcode pause}. */
  resume(): void {
    signal(this.#child, "SIGCONT");
  }

  /** Gives this moment a mark, for {@linkcode pausesSince}. */
  async mark(): Promise<number> {
    await delay(READ_MS);
    return this.#output.pauses.length;
  }

  /**
   * Returns the pauses for garbage collection since a mark; `undefined` for a server that does not tell of
   * them.
   */
  async pausesSince(mark: number): Promise<Pauses | undefined> {
    if (!this.#tracesPauses) return undefined;
    await delay(READ_MS);
    return this.#output.pauses.since(mark);
  }

  /** Asks the server to stop, and makes it when it does not within 3 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    signal(this.#child, "SIGINT");
    this.resume();
    await waitAtMost(this.#child.status, STOP_MS);
    if (!this.#ended) signal(this.#child, "SIGKILL");
    await this.#child.status;
    await this.#output.closed;
  }
}

/** Reads the output of a server to its end, so that it never blocks on a full pipe. */
class Output {
  /** What matched the ready line; `undefined` if the server ended or took too long. */
  readonly ready: Promise<RegExpExecArray | undefined>;
  /** Resolves when both streams have ended. */
  readonly closed: Promise<unknown>;
  /** The pauses for garbage collection that it told of. */
  readonly pauses = new PauseLog();
  #stdout = "";
  #stderr = "";

  constructor(child: Deno.ChildProcess, ready: RegExp) {
    const { promise, resolve } = Promise.withResolvers<RegExpExecArray | undefined>();
    const timer = setTimeout(() => resolve(undefined), START_MS);
    this.ready = promise.finally(() => clearTimeout(timer));
    const stdout = readAll(child.stdout, (text) => {
      this.pauses.write(text);
      this.#stdout = (this.#stdout + text).slice(-4096);
      const match = ready.exec(this.#stdout);
      if (match !== null) resolve(match);
    });
    const stderr = readAll(child.stderr, (text) => {
      this.#stderr = (this.#stderr + text).slice(-4096);
    });
    this.closed = Promise.all([stdout, stderr]).then(() => resolve(undefined));
  }

  /** The last of what it wrote, as a suffix for a message. */
  tail(): string {
    const text = (this.#stderr.trim() || this.#stdout.trim()).split("\n").slice(-5).join("\n  ");
    return text === "" ? "" : `\n  ${text}`;
  }
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }));
}

async function waitAtMost(promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: expired, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, expired]);
  clearTimeout(timer);
}

/** Finds a port for a server that cannot choose one itself, or tell which it chose. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Returns the command line that runs `argv` on the core of the client or the server. */
export function pinned(machine: Machine, role: "client" | "server", argv: readonly string[]) {
  const { cores } = machine;
  return cores === undefined ? argv : ["taskset", "-c", String(cores[role]), ...argv];
}

/** A shell raises the limit and becomes the program; where it may not, the program says so itself. */
function withDescriptors(argv: readonly string[]): string[] {
  const script = `ulimit -n ${DESCRIPTORS} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`;
  return ["/bin/sh", "-c", script, "sh", ...argv];
}
