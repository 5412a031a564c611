/**
 * Round trips of echoes as benchmarks: the server is a process of its own, on a core of its own, started
 * when its benchmark begins and stopped when the next one does.
 *
 * @module
 */
import type { EchoClient } from "./_echo_clients.ts";
import { inspectMachine } from "./_harness/machine.ts";
import { Server, type ServerCommand } from "./_harness/server.ts";

/** What is measured. */
export interface EchoBench {
  /** Its name in the table. */
  readonly name: string;
  /** What it is compared with. */
  readonly group: string;
  /** Whether the group is compared with it. @default {false} */
  readonly baseline?: boolean;
  /** Why it cannot be measured on this machine. */
  readonly unavailable?: string | undefined;
  /** The command line of the server, which `deno run` starts. */
  readonly server: ServerCommand;
  /** Connects to the server. */
  connect(port: number): Promise<EchoClient>;
}

/** How long client and server warm up, in milliseconds: both are compiled by then. */
const WARM_UP = 500;
const ATTEMPTS = 3;

const machine = inspectMachine();
const preload = new URL("_end_with_parent.ts", import.meta.url).pathname;

/** The one server that runs, and its client. */
let running: { readonly server: Server; readonly client: EchoClient | undefined } | undefined;

// What is still running when the file is through; should the process end otherwise, servers notice that.
globalThis.addEventListener("unload", () => {
  if (running === undefined) return;
  // Closes what it has at once: catloop and catmem leave files in shared memory otherwise, in the way of the next.
  void running.client?.[Symbol.asyncDispose]();
  Deno.kill(running.server.pid, "SIGINT");
});

/** Registers a benchmark of round trips; each iteration is one. */
export function benchEcho(bench: EchoBench): void {
  const { name, group, baseline = false, unavailable } = bench;
  if (unavailable !== undefined) console.error(`bench: no "${name}" here: ${unavailable}`);
  let client: EchoClient | undefined;
  Deno.bench({
    name,
    group,
    baseline,
    ignore: unavailable !== undefined,
    async fn() {
      client ??= await start(bench);
      const pending = client.roundTrip();
      // Clients that spin are through already, and need no promise.
      if (pending !== undefined) await pending;
    },
  });
}

/** Starts server and client, again if need be: upstream's catloop loses a connection now and then. */
async function start(bench: EchoBench): Promise<EchoClient> {
  await stop();
  pinThread();
  for (let attempt = 1;; attempt++) {
    try {
      return await tryToStart(bench);
    } catch (error) {
      await stop();
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function tryToStart({ server: command, connect }: EchoBench): Promise<EchoClient> {
  const [deno, run, ...args] = command.argv;
  const argv = [deno!, run!, `--preload=${preload}`, ...args];
  const server = await Server.start(machine, { ...command, argv });
  running = { server, client: undefined };
  const client = await connect(server.port);
  running = { server, client };
  const end = performance.now() + WARM_UP;
  while (performance.now() < end) await client.roundTrip();
  return client;
}

async function stop(): Promise<void> {
  if (running === undefined) return;
  const { server, client } = running;
  running = undefined;
  await client?.[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}

/** Keeps this thread, which runs all benchmarks of a file, on the client's core. */
function pinThread(): void {
  const { cores, taskset } = machine;
  if (cores === undefined || taskset === undefined) return;
  const thread = Deno.readLinkSync("/proc/thread-self").split("/").at(-1)!;
  new Deno.Command(taskset, {
    args: ["-cp", String(cores.client), thread],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
}
