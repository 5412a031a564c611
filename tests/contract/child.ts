/**
 * Runs the cases of a subject in child processes: one that hangs or dies costs its case, and no other.
 *
 * @module
 */

import type { Result } from "./run_case.ts";
import { MARK } from "./run_subject.ts";

/** The program that runs the cases of a subject. */
const PROGRAM = import.meta.resolve("./run_subject.ts");

/** How the child processes are run. */
export interface ChildOptions {
  /** The program; `run_subject.ts` by default. */
  readonly program?: string;
  /** Milliseconds that a case may take, the first one with the start of its process. */
  readonly patience?: number;
  /** How often a case may be run until it does not fail; see `Subject.attempts`. */
  readonly attempts?: number | undefined;
  /** How many processes run cases at a time; see `Subject.processes`. */
  readonly processes?: number | undefined;
}

/** The results of cases of a subject, in order. */
export async function runInChildren(
  subject: string,
  ids: readonly string[],
  options: ChildOptions = {},
): Promise<Result[]> {
  const { processes = 1 } = options;
  const shares = Array.from({ length: processes }, (_, number) => {
    const share = ids.filter((_, i) => i % processes === number);
    return Array.fromAsync(runShare(subject, share, options));
  });
  const results = await Promise.all(shares);
  return ids.map((_, i) => results[i % processes]![Math.floor(i / processes)]!);
}

async function* runShare(
  subject: string,
  ids: readonly string[],
  { program = PROGRAM, patience = 15_000, attempts = 1 }: ChildOptions,
): AsyncGenerator<Result> {
  const left = [...ids];
  let failures = 0;
  while (left.length > 0) {
    await using child = new Child(program, [subject, ...left], patience);
    for await (const result of resultsOf(child, [...left])) {
      if (result.verdict === "fail" && ++failures < attempts) break;
      failures = 0;
      left.shift();
      yield result;
    }
  }
}

/** The results of cases that a child runs; the last one tells why it ended, if there are cases left. */
async function* resultsOf(child: Child, ids: string[]): AsyncGenerator<Result> {
  for await (const result of child) {
    ids.shift();
    yield result;
  }
  const [id] = ids;
  if (id !== undefined) yield { id, verdict: "fail", answer: "", why: await child.epitaph() };
}

class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #patience: number;
  readonly #errors: Promise<string>;
  #hung = false;

  constructor(program: string, args: readonly string[], patience: number) {
    this.#patience = patience;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", program, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#errors = new Response(this.#process.stderr).text();
  }

  /** Results, until the process ends, or does nothing for too long and is killed. */
  async *[Symbol.asyncIterator](): AsyncIterator<Result> {
    const watchdog = () => {
      this.#hung = true;
      this.#process.kill("SIGKILL");
    };
    let timer = setTimeout(watchdog, this.#patience);
    let rest = "";
    try {
      for await (const text of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          if (!line.startsWith(MARK)) continue;
          clearTimeout(timer);
          timer = setTimeout(watchdog, this.#patience);
          yield JSON.parse(line.slice(MARK.length));
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Why it ended before all cases had. */
  async epitaph(): Promise<string> {
    const { code, signal } = await this.#process.status;
    if (this.#hung) return `hangs: nothing for ${this.#patience} ms`;
    const last = (await this.#errors).trim().split("\n").slice(-3).join(" ");
    return `the process ended: ${signal ?? `code ${code}`} ${last}`.trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It ended already.
    }
    await Promise.all([this.#process.status, this.#errors]);
  }
}
