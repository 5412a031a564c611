/**
 * Every packet script, one test for each; and what the runner itself has to do.
 *
 * @module
 */

import { assert } from "@std/assert";
import { findScripts, runFile } from "./_runner/files.ts";
import { formatReport } from "./_runner/report.ts";

const FOLDER = new URL(".", import.meta.url).pathname;

for (const path of findScripts(FOLDER.slice(0, -1))) {
  Deno.test(`packets: ${path.slice(FOLDER.length)}`, () => {
    const report = runFile(path, {
      profile: "demikernel",
      definitions: new Map(),
      options: new Map(),
    });
    assert(report.passed, formatReport(report));
  });
}
