/**
 * The example as a process of its own, as a user runs it, and the tools of Redis that talk to it.
 *
 * @module
 */
import { RedisClient } from "./kv_testing.ts";

const example = new URL("../../examples/kv.ts", import.meta.url).pathname;

/** `examples/kv.ts`, running. Disposing of it interrupts it and waits for its end. */
export class KvProcess implements AsyncDisposable {
  /** The port it listens at, on the loopback. */
  readonly port: number;
  #process: Deno.ChildProcess;
  #output: ReadableStreamDefaultReader<string>;

  private constructor(
    process: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<string>,
    port: number,
  ) {
    this.#process = process;
    this.#output = output;
    this.port = port;
  }

  /** Starts it, and waits until it says where it listens. What it says on stderr is of interest unless it is expected. */
  static async start(stderr: "inherit" | "null" = "inherit"): Promise<KvProcess> {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-ffi", example, "--port", "0"],
      stdout: "piped",
      stderr,
    }).spawn();
    const output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await output.read();
      if (done) throw new Error(`examples/kv.ts ended: ${text}`);
      text += value;
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1];
      if (port !== undefined) return new KvProcess(process, output, Number(port));
    }
  }

  /** Connects a client. */
  async connect(): Promise<RedisClient> {
    return new RedisClient(await Deno.connect({ hostname: "127.0.0.1", port: this.port }));
  }

  /** How much memory it has now, or had at most, in megabytes. */
  async memory(field: "VmRSS" | "VmHWM" = "VmRSS"): Promise<number> {
    const status = await Deno.readTextFile(`/proc/${this.#process.pid}/status`);
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) / 1024;
  }

  /** Ends it as Ctrl-C does; gives its exit code. */
  async interrupt(): Promise<number> {
    this.#process.kill("SIGINT");
    await this.#output.cancel();
    return (await this.#process.status).code;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.interrupt();
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
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
