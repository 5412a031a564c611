/**
 * Observing a server from within, by a module preloaded into it.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import { FILE, SIGNAL } from "./when_signalled.ts";

/** What is not there by then never comes. */
const PATIENCE_MS = 20_000;
const POLL_MS = 20;

/** A module that observes one server. Disposing of it removes what it left. */
export class Observer implements AsyncDisposable {
  readonly #module: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder = Deno.makeTempDirSync({ prefix: "demikernel-profile-" });

  /** Makes one of a module here, which finds these environment variables. */
  constructor(module: string, env: Readonly<Record<string, string>>) {
    this.#module = new URL(module, import.meta.url).pathname;
    this.#env = env;
  }

  /** Returns the command line of a server in Deno, with the module preloaded. */
  preload({ argv: [deno, run, ...others], env, ...rest }: ServerCommand): ServerCommand {
    return {
      ...rest,
      env: { ...env, ...this.#env, [FILE]: this.#file },
      argv: [deno!, run!, `--preload=${this.#module}`, ...others],
    };
  }

  /** Begins to observe. */
  begin(server: Server): void {
    Deno.kill(server.pid, SIGNAL);
  }

  /**
   * Ends it and returns what was observed, as JSON.
   *
   * @throws {BenchmarkError} If the server dies of it, or leaves no result within 20 s.
   */
  async end(server: Server): Promise<string> {
    Deno.kill(server.pid, SIGNAL);
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      try {
        return await Deno.readTextFile(this.#file);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      await server.assertAlive(POLL_MS);
    }
    throw new BenchmarkError(
      `Cannot profile ${server.name}: it left no result within ${PATIENCE_MS / 1000} s, ` +
        "run it again with less load on the machine",
    );
  }

  /** Removes its file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #file(): string {
    return `${this.#folder}/result.json`;
  }
}
