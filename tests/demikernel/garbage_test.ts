/**
 * Wrong arguments of every kind to every call of the native libOSes: nothing but typed errors comes of them, and
 * the process goes on.
 *
 * @module
 */

import { assert } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { open } from "../../libos/open.ts";
import { type Call, call, run } from "../catnap/_garbage.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";

/** Calls on each libOS. */
const CALLS = 34_000;
/** Calls in a scenario. */
const PART = 17_000;
const SHORTEST = 100;

/** What each history begins with, so that its descriptors name something. */
const BEGINNINGS: Partial<Record<NativeLibOS, readonly Call[]>> = {
  catnap: [["socket", "inet", "stream"], ["socket", "inet", "dgram"]],
  catloop: [["socket", "inet", "stream"], ["socket", "inet", "stream"]],
  catmem: [["pipe", `garbage-${Deno.pid}-a`, "pop"], ["pipe", `garbage-${Deno.pid}-a`, "push"]],
};

for (const [name, beginning] of Object.entries(BEGINNINGS)) {
  const libos = name as NativeLibOS;
  const scenarios = Array.from({ length: CALLS / PART }, (_, i) => {
    const seed = (Date.now() + i) | 0;
    const title = `${PART} wrong calls give DemikernelErrors alone, part ${i + 1}`;
    return [title, async (given: { exit(): Promise<unknown> }) => {
      // Each history has a libOS of its own.
      await given.exit();
      // Told by the parent if this process dies.
      console.error(`seed ${seed}`);
      let count = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(call, { minLength: SHORTEST, maxLength: 2 * SHORTEST }),
          (calls) => {
            count += calls.length;
            return run(
              [...beginning, ...calls],
              open({ libos, provider: "demikernel", idle: "spin" }),
            );
          },
        ),
        { numRuns: PART / SHORTEST, seed },
      );
      assert(count >= PART);
    }] as const;
  });
  testScenarios(import.meta, libos, Object.fromEntries(scenarios));
}

await runChildren();
