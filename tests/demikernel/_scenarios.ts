/**
 * Tests on a native libOS, run in a child process: a panic of the library ends the process, and there is one
 * native libOS to a thread. The test file is its own program: the child runs the scenarios of the file.
 *
 * @module
 */

import "../_preload.ts";
import { assert, assertEquals } from "@std/assert";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { open, type OpenOptions } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { missingLibrary, needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";

/** Something that is done with a libOS, which it must leave as it was. */
export type Scenario = (libos: LibOS) => Promise<void> | void;

/** What a child is told to run, as its first argument. */
const MARK = "--scenarios-of=";
/** So long may a scenario take, in seconds. */
const PATIENCE = 10;
/** So long may a file take, in milliseconds. */
const LONGEST = 60_000;

/** What came of one scenario, a line of the child's output. */
interface Answer {
  readonly name: string;
  readonly error: string | null;
}

/** Tests scenarios on a libOS; in the child, runs them. */
export function testScenarios(
  file: ImportMeta,
  libos: NativeLibOS,
  scenarios: Readonly<Record<string, Scenario>>,
  options: OpenOptions = {},
): void {
  Deno.test({
    ...needing(missingLibrary(libos), `native ${libos}`),
    async fn(t) {
      const { answers, end } = await runChild(file, libos);
      for (const name of Object.keys(scenarios)) {
        const answer = answers.find((one) => one.name === name);
        await t.step(name, () => {
          assert(answer !== undefined, `the process ended before: ${end}`);
          assert(answer.error === null, answer.error ?? "");
        });
      }
    },
  });
  if (Deno.args[0] === MARK + libos) children.push(() => runAll(libos, scenarios, options));
}

const children: (() => Promise<void>)[] = [];

/** Runs what this process is to run, if it is a child. Called at the end of a file. */
export async function runChildren(): Promise<void> {
  if (children.length === 0) return;
  // A scenario that failed leaves operations behind, which must not end the others.
  addEventListener("unhandledrejection", (event) => event.preventDefault());
  for (const child of children) await child();
}

async function runAll(
  libos: NativeLibOS,
  scenarios: Readonly<Record<string, Scenario>>,
  options: OpenOptions,
): Promise<void> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    let error: string | null = null;
    try {
      await run(libos, scenario, options);
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.stack ?? thrown.message : Deno.inspect(thrown);
    }
    console.log(JSON.stringify({ name, error }));
  }
}

/** Each scenario has the libOS for itself, and leaves no buffer and no token behind. */
async function run(name: NativeLibOS, scenario: Scenario, options: OpenOptions): Promise<void> {
  const libos = open({ libos: name, provider: "demikernel", ...options });
  try {
    await within(Promise.resolve(scenario(libos)), PATIENCE);
  } catch (error) {
    await libos.exit();
    throw error;
  }
  const { leakedBuffers, unusedTokens } = await libos.exit();
  assertEquals({ leakedBuffers, unusedTokens }, { leakedBuffers: 0, unusedTokens: 0 });
  assertEquals(libos.statistics().pending, 0);
}

async function runChild(
  { url }: ImportMeta,
  libos: NativeLibOS,
): Promise<{ answers: Answer[]; end: string }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", url, MARK + libos],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let hung = "";
  const timer = setTimeout(() => {
    hung = "killed, since it went on for too long; ";
    process.kill("SIGKILL");
  }, LONGEST);
  const { stdout, stderr, code, signal } = await process.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter((line) => line !== "");
  return {
    answers: lines.map((line) => JSON.parse(line) as Answer),
    end: `${hung}code ${code}, signal ${signal}\n${decoder.decode(stderr)}`,
  };
}
