/**
 * Scripts in files and folders.
 *
 * @module
 */

import type { Profile } from "./settings.ts";
import { parseScript } from "./parser.ts";
import { type Report, reportFailure } from "./report.ts";
import { runScript } from "./run.ts";

/** How files are run. */
export interface FileOptions {
  readonly profile: Profile;
  readonly definitions: ReadonlyMap<string, string>;
  readonly options: ReadonlyMap<string, string>;
}

/** All scripts in a file or a folder, in order. */
export function findScripts(path: string): string[] {
  if (Deno.statSync(path).isFile) return [path];
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) found.push(...findScripts(`${path}/${name}`));
    else if (name.endsWith(".pkt")) found.push(`${path}/${name}`);
  }
  return found.sort();
}

/** Runs a file. */
export function runFile(path: string, options: FileOptions): Report {
  try {
    const script = parseScript(path, Deno.readTextFileSync(path), options.definitions);
    return { script: path, passed: true, notes: runScript(script, options) };
  } catch (error) {
    return reportFailure(path, error);
  }
}
