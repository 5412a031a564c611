/**
 * Holding many connections open.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import { spawn } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { pinned, type Server } from "./server.ts";

/** The client may notice the end of the server before we do. */
const SETTLE_MS = 500;

/** How many connections, and how much to say on each. */
export interface ConnectionsOptions {
  /** Connections to open. */
  readonly count: number;
  /** Checked 64-byte echoes on each one, before it falls silent. */
  readonly echoes: number;
}

/** Open connections to a server, each tried. Disposing of it closes them and checks that they held. */
export class Connections implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #server: Server;
  readonly #stderr: Promise<string>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(child: Deno.ChildProcess, server: Server) {
    this.#child = child;
    this.#server = server;
    this.#stderr = new Response(child.stderr).text();
    this.#reader = child.stdout.getReader();
  }

  /**
   * Opens connections and returns when all have been served.
   *
   * @throws {BenchmarkError} If one was refused, closed or answered wrongly.
   */
  static async open(
    machine: Machine,
    server: Server,
    { count, echoes }: ConnectionsOptions,
  ): Promise<Connections> {
    const peer = await buildPeer(machine, "connections");
    const options = ["--port", server.port, "--count", count, "--echoes", echoes].map(String);
    const child = spawn(pinned(machine, "client", [peer, ...options]), { stdin: true });
    const connections = new Connections(child, server);
    // The only line it writes is "ready"; an end without one means that it failed.
    const { done } = await connections.#reader.read();
    if (done) await connections[Symbol.asyncDispose]();
    return connections;
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Its input is gone already if it failed.
    await this.#child.stdin.close().catch(() => {});
    await this.#reader.cancel();
    const [{ code }, stderr] = await Promise.all([this.#child.status, this.#stderr]);
    if (code === 0) return;
    await this.#server.assertAlive(SETTLE_MS);
    throw new BenchmarkError(`Cannot hold connections to ${this.#server.name}: ${stderr.trim()}`);
  }
}
