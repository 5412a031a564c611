/**
 * The command line that all benchmarks share: `--help`, `--json`, and options with a default.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { killAll } from "./children.ts";

/** An option that takes a whole number, or, with `choices`, one of some words, or, with `form`, any text. */
export type Option =
  | { readonly default: number; readonly minimum?: number; readonly description: string }
  | {
    readonly default: string;
    readonly choices: readonly string[];
    readonly description: string;
  }
  | { readonly default: string; readonly form: string; readonly description: string };

/** A benchmark program. */
export interface Program<Options extends Record<string, Option>> {
  /** Its file name below `bench/`. */
  readonly name: string;
  /** What it measures, in one sentence. */
  readonly summary: string;
  /** Its options, by name. */
  readonly options: Options;
}

/** The values of the options, and the command line that gives the same ones again. */
export type Values<Options extends Record<string, Option>> =
  & { readonly [Name in keyof Options]: Options[Name]["default"] extends number ? number : string }
  & { readonly json: boolean; readonly command: string };

/** Wrong use, or a measurement that cannot be made: reported as one line, without a stack. */
export class BenchmarkError extends Error {
  /** The name of the class. */
  override readonly name = "BenchmarkError";
}

/** Throws a {@linkcode BenchmarkError} that lists what there is, if one of some names is none of it. */
export function assertKnown(
  kind: string,
  names: readonly string[],
  known: readonly string[],
): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new BenchmarkError(
    `Cannot measure "${unknown}": there is no such ${kind}, there is ${known.join(", ")}`,
  );
}

/**
 * Reads the command line.
 *
 * @returns The values, or `undefined` when help was asked for, which has then been printed.
 * @throws {BenchmarkError} If an option is unknown or its value is not one it takes.
 */
export function parseCommandLine<const Options extends Record<string, Option>>(
  program: Program<Options>,
  args: readonly string[],
): Values<Options> | undefined {
  const given = parse(program.options, args);
  if (given.help) {
    console.log(help(program));
    return undefined;
  }
  const values: Record<string, unknown> = { json: given.json === true };
  let command = `deno run -A bench/${program.name}`;
  for (const [name, option] of Object.entries(program.options)) {
    const value = given[name] === undefined ? option.default : check(name, option, given[name]);
    values[name] = value;
    if (value !== "") command += ` --${name} ${value}`;
  }
  values.command = command;
  return values as Values<Options>;
}

function parse(options: Record<string, Option>, args: readonly string[]) {
  const known = Object.fromEntries(
    Object.keys(options).map((name) => [name, { type: "string" as const }]),
  );
  try {
    const flags = { help: { type: "boolean" as const }, json: { type: "boolean" as const } };
    const { values } = parseArgs({ args: [...args], options: { ...known, ...flags } });
    return values as Record<string, string | boolean | undefined>;
  } catch (error) {
    // Node adds advice about positional arguments in further sentences; one line is enough.
    const message = (error as Error).message.split(/[.\n]/, 1)[0];
    throw new BenchmarkError(`${message} (see --help)`);
  }
}

function check(name: string, option: Option, text: unknown): number | string {
  if ("form" in option) {
    if (text !== "") return String(text);
    throw new BenchmarkError(`Option '--${name}' takes ${option.form}, not nothing`);
  }
  if ("choices" in option) {
    if (option.choices.includes(String(text))) return String(text);
    throw new BenchmarkError(
      `Option '--${name}' takes ${option.choices.join(" or ")}, not "${text}"`,
    );
  }
  const minimum = option.minimum ?? 1;
  const value = Number(text);
  if (/^\d+$/.test(String(text)) && Number.isSafeInteger(value) && value >= minimum) return value;
  throw new BenchmarkError(
    `Option '--${name}' takes a whole number from ${minimum}, not "${text}"`,
  );
}

function help(program: Program<Record<string, Option>>): string {
  const lines = Object.entries(program.options).map(([name, option]) => {
    const takes = "choices" in option
      ? option.choices.join("|")
      : "form" in option
      ? option.form
      : "N";
    return [
      `--${name} ${takes}`,
      `${option.description} (default ${option.default === "" ? "none" : option.default})`,
    ];
  });
  lines.push(["--json", "Print one JSON object instead of tables"], ["--help", "Print this"]);
  const width = Math.max(...lines.map(([left]) => left!.length));
  return [
    program.summary,
    "",
    `Usage: deno run -A bench/${program.name} [options]`,
    "",
    ...lines.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`),
  ].join("\n");
}

/**
 * Runs a benchmark and ends the process: with 0, or with 1 and one line on stderr. Whatever the
 * benchmark had started is gone by then, on an interrupt too.
 */
export async function runProgram<const Options extends Record<string, Option>>(
  program: Program<Options>,
  body: (values: Values<Options>) => Promise<void>,
): Promise<never> {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, async () => {
      await killAll();
      Deno.exit(130);
    });
  }
  try {
    const values = parseCommandLine(program, Deno.args);
    if (values !== undefined) await body(values);
  } catch (error) {
    await killAll();
    // A stack helps with a bug of ours; with a missing compiler or a server that died it is noise.
    console.error(error instanceof BenchmarkError ? `error: ${error.message}` : error);
    Deno.exit(1);
  }
  Deno.exit(0);
}
