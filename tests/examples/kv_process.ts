/**
 * The example as a process of its own, as a user runs it, and the tools of Redis that talk to it.
 *
 * @module
 */
import { HOSTNAME, Program } from "./_program.ts";
import { RedisClient } from "./kv_testing.ts";

/** `examples/kv.ts`, running. Disposing of it ends it. */
export class KvProcess implements AsyncDisposable {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** Starts it, and waits until it says where it listens. */
  static async start(): Promise<KvProcess> {
    return new KvProcess(await Program.start("kv", [], { permissions: ["--allow-ffi"] }));
  }

  /** The port it listens at. */
  get port(): number {
    return this.#program.port;
  }

  /** Connects a client. */
  async connect(): Promise<RedisClient> {
    return new RedisClient(await Deno.connect({ hostname: HOSTNAME, port: this.port }));
  }

  /** How much memory it has now, or had at most, in megabytes. */
  async memory(field: "VmRSS" | "VmHWM" = "VmRSS"): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#program.pid}/status`);
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) / 1024;
  }

  /** Ends it as Ctrl-C does; gives its exit code. */
  async interrupt(): Promise<number> {
    return (await this.#program.end("SIGINT")).code;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
  }
}

/** Runs a tool with an input; gives what it prints, and fails if it fails. */
export async function runTool(name: string, args: string[], input = ""): Promise<string> {
  const process = new Deno.Command(name, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await output;
  const text = new TextDecoder("latin1").decode(stdout);
  if (!success) throw new Error(`${name} failed: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}
