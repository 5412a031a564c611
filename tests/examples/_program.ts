/**
 * Examples as programs of their own.
 *
 * @module
 */

import type { Namespace } from "../_network/namespace.ts";

/** How an example is run. */
export interface ProgramOptions {
  /** The permissions, as flags of `deno run`; all by default. */
  readonly permissions?: readonly string[];
  /** The environment beside that of the tests. */
  readonly env?: Record<string, string>;
  /** Where; on this host by default. */
  readonly host?: Namespace;
}

/** An example that runs. */
export class Program implements AsyncDisposable {
  /** What it said first. */
  readonly line: string;
  /** The port that it says it listens on. */
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  #ended = false;

  private constructor(
    process: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<string>,
    line: string,
  ) {
    this.#process = process;
    this.#output = output;
    this.line = line;
    this.port = Number(/:(\d+) over/.exec(line)?.[1]);
  }

  /** Starts an example on a free port, and waits until it says that it listens. */
  static async start(
    example: string,
    args: readonly string[] = [],
    options: ProgramOptions = {},
  ): Promise<Program> {
    const process = command(example, ["--port", "0", ...args], options).spawn();
    const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let line = "";
    while (!line.includes("\n")) {
      const { done, value } = await output.read();
      if (done) throw new Error(`${example} ended: ${await new Response(process.stderr).text()}`);
      line += value;
    }
    return new Program(process, output, line);
  }

  /** Its process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a signal and waits for the end; gives how it ended, and all that it said since it listens. */
  async end(signal: Deno.Signal): Promise<{ code: number; stdout: string; stderr: string }> {
    this.#ended = true;
    this.#process.kill(signal);
    let stdout = "";
    for (let part; !(part = await this.#output.read()).done;) stdout += part.value;
    const stderr = await new Response(this.#process.stderr).text();
    return { code: (await this.#process.status).code, stdout, stderr };
  }

  /** Ends it, if it was not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end("SIGKILL");
  }
}

/** Runs an example to its end. */
export async function run(
  example: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = await command(example, args, options).output();
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

function command(
  example: string,
  args: readonly string[],
  { permissions = ["-A"], env = {}, host }: ProgramOptions,
): Deno.Command {
  const path = new URL(`../../examples/${example}.ts`, import.meta.url).pathname;
  const options: Deno.CommandOptions = {
    args: ["run", "--no-prompt", "--no-check", ...permissions, path, ...args],
    env: { NO_COLOR: "1", LIBOS: "", CONFIG_PATH: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  };
  const deno = Deno.execPath();
  return host?.command(deno, options) ?? new Deno.Command(deno, options);
}
