/**
 * Runs packet scripts: `deno task packets [--profile linux|freebsd|demikernel] [--json] [-D NAME[=VALUE]] FILE_OR_FOLDER…`.
 * Ends with code 1 if one failed.
 *
 * @module
 */

import { type FileOptions, findScripts, runFile } from "./_runner/files.ts";
import { formatReport } from "./_runner/report.ts";
import type { Profile } from "./_runner/settings.ts";

const USAGE = `Runs packet scripts; ours in tests/packets/ if none are named.

deno task packets [OPTIONS] [FILE_OR_FOLDER…]

  --profile demikernel|linux|freebsd  whose scripts they are; demikernel by default
  -D NAME, -D NAME=VALUE              defines a name for #ifdef, and what it stands for
  --quiet                             prints failures alone
  --json                              prints all reports as JSON
  --help                              prints this
  --ip_version=ipv6, --mtu=1280, …    an option that scripts may have; what a script says itself comes first

Ends with code 1 if a script failed, and with 2 if a file or an argument is wrong. See docs/packets.md.`;

const PROFILES: readonly Profile[] = ["demikernel", "linux", "freebsd"];

interface Arguments extends FileOptions {
  readonly help: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly paths: readonly string[];
}

/** Reads the command line. */
function readArguments(args: readonly string[]): Arguments {
  let profile: Profile = "demikernel";
  let json = false;
  let quiet = false;
  let help = false;
  const definitions = new Map<string, string>();
  const options = new Map<string, string>();
  const paths: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [name, attached] = splitArgument(args[i]!);
    const value = () => attached ?? args[++i] ?? "";
    if (name === "--profile") {
      const wanted = value();
      const found = PROFILES.find((one) => one === wanted);
      if (found === undefined) {
        throw new Error(`A profile is one of ${PROFILES.join(", ")}, not "${wanted}"`);
      }
      profile = found;
    } else if (name === "--json") json = true;
    else if (name === "--quiet") quiet = true;
    else if (name === "--help" || name === "-h") help = true;
    else if (name === "-D") {
      const [key, ...rest] = value().split("=");
      definitions.set(key!, rest.join("="));
    } else if (name.startsWith("-D")) {
      definitions.set(name.slice(2), attached ?? "");
    } else if (name.startsWith("--")) options.set(name.slice(2), attached ?? "");
    else paths.push(args[i]!);
  }
  if (paths.length === 0) paths.push(new URL(".", import.meta.url).pathname.replace(/\/$/, ""));
  return { profile, json, quiet, help, definitions, options, paths };
}

function splitArgument(text: string): [string, string | undefined] {
  const place = text.startsWith("-") ? text.indexOf("=") : -1;
  return place < 0 ? [text, undefined] : [text.slice(0, place), text.slice(place + 1)];
}

if (import.meta.main) {
  try {
    const { json, quiet, help, paths, ...options } = readArguments(Deno.args);
    if (help) {
      console.log(USAGE);
      Deno.exit();
    }
    const scripts = paths.flatMap(findScripts);
    const reports = scripts.map((path) => runFile(path, options));
    const failed = reports.filter(({ passed }) => !passed).length;
    if (json) console.log(JSON.stringify(reports, null, 2));
    else {
      for (const report of reports) if (!quiet || !report.passed) console.log(formatReport(report));
      const notes = new Set(reports.flatMap((report) => report.notes));
      for (const note of notes) console.log(note);
      console.log(`${reports.length - failed} passed, ${failed} failed`);
    }
    Deno.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    console.error((error as Error).message);
    Deno.exitCode = 2;
  }
}
