/**
 * What the tests of the load generators share.
 *
 * @module
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { LoadResult } from "../../bench/_harness/load.ts";
import { inspectMachine } from "../../bench/_harness/machine.ts";
import { type Missing, missingCompiler, needing } from "../_needs.ts";

/** This machine, not pinned: these tests run beside others, and look at behaviour, not at time. */
export const machine = { ...inspectMachine(), cores: undefined };

/** Without a C compiler there are no load generators. */
export const missing: Missing = missingCompiler();

/** Defines a test that needs the load generators. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...needing(missing, name), fn });
}

/** Asserts that a load made so many operations, and measured each one. */
export function assertMeasured(result: LoadResult, operations: number, bytes: number): void {
  assertEquals(result.operations, operations);
  assertEquals(result.times.length, operations);
  assert(result.times.every((time) => time > 0));
  assertEquals(result.bytes, bytes);
  assertGreater(result.elapsed, 0);
}
