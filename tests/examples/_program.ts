/**
 * Examples as programs of their own.
 *
 * @module
 */

import { OURS, prefixed, THEIRS } from "../_network/link.ts";
import type { Namespace } from "../_network/namespace.ts";
import type { Missing } from "../_needs.ts";

/** A device for the examples, and where it is. */
export interface Site {
  /** As `DEVICE` names it. */
  readonly device: string;
  /** The path of its network namespace. */
  readonly namespace: string;
}

/** `device_test.ts` runs the tests of the examples again, on catpowder: then this variable has a {@linkcode Site}. */
export const SITE = "EXAMPLES_SITE";
const site: Site | undefined = JSON.parse(Deno.env.get(SITE) ?? "null") ?? undefined;

/** Why a test cannot be run on a device; undefined where it is run on the loopback. */
export function missingLoopback(why: string): Missing {
  return site && why;
}

/** Where examples listen. */
export const HOSTNAME: string = site === undefined ? "127.0.0.1" : OURS.inet;
/** The same over IPv6. */
export const HOSTNAME6: string = site === undefined ? "::1" : OURS.inet6;
/** Where their clients are. */
export const CLIENT: string = site === undefined ? "127.0.0.1" : THEIRS.inet;

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
  const allowed = site === undefined ? permissions : ["-A"];
  const options: Deno.CommandOptions = {
    args: ["run", "--no-prompt", "--no-check", ...allowed, path, ...args],
    env: { NO_COLOR: "1", LIBOS: "", CONFIG_PATH: "", ...onSite(), ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  };
  const deno = Deno.execPath();
  if (host !== undefined) return host.command(deno, options);
  if (site === undefined) return new Deno.Command(deno, options);
  const there = [`--net=${site.namespace}`, deno, ...options.args!];
  return new Deno.Command("nsenter", { ...options, args: there });
}

function onSite(): Record<string, string> {
  if (site === undefined) return {};
  return { LIBOS: "catpowder", DEVICE: site.device, ADDRESS: prefixed(OURS).join(" ") };
}
