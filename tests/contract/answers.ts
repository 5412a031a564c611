/**
 * How calls and operations end, in words: what cases answer.
 *
 * @module
 */

import { DemikernelError } from "../../libos/error.ts";
import type { Completion, LibOS, Operation, QToken } from "../../libos/pdpix.ts";
import { wait } from "./waits.ts";

/** Milliseconds until an operation that ought to end is called `pending`. */
export const WAIT = 2000;

/** How many polls do everything that is ready. */
const POLLS = 32;
/** Where polls do nothing, milliseconds in which Deno does. */
const MOMENT = 20;

/** `ok`, or the code of the error that a call throws; of other errors, their name. */
export function code(call: () => unknown): string {
  try {
    call();
    return "ok";
  } catch (error) {
    return codeOf(error);
  }
}

/** As {@linkcode code}, of a call that waits. */
export async function codeLater(call: () => Promise<unknown>): Promise<string> {
  return await rejection(call());
}

/** As {@linkcode code}, of an error. */
export function codeOf(error: unknown): string {
  if (error instanceof DemikernelError) return error.code;
  return error instanceof Error ? error.name : String(error);
}

/** As {@linkcode code}, of a call with each of several arguments: once if all are the same. */
export function codes<T>(values: readonly T[], call: (value: T) => unknown): string {
  const all = values.map((value) => ({ value, code: code(() => call(value)) }));
  if (all.every((one) => one.code === all[0]!.code)) return all[0]!.code;
  return all.map((one) => `${Deno.inspect(one.value)}: ${one.code}`).join(", ");
}

/** How a promise ended: `ok`, or the code of the error. */
export async function rejection(
  result: PromiseLike<unknown> | Operation<unknown>,
): Promise<string> {
  try {
    await result;
    return "ok";
  } catch (error) {
    return codeOf(error);
  }
}

/** What a completion tells: its opcode, `end`, or the code of its error. What was popped is freed. */
export function tell(completion: Completion): string {
  if (completion.opcode === "failed") return completion.error.code;
  if (completion.opcode !== "pop") return completion.opcode;
  completion.sga?.free();
  return completion.sga === null ? "end" : "pop";
}

/** The text that a pop gave; for everything else, {@linkcode tell}. */
export function text(completion: Completion): string {
  if (completion.opcode !== "pop" || completion.sga === null) return tell(completion);
  using sga = completion.sga;
  return new TextDecoder().decode(sga.toUint8Array());
}

/** How an operation ended, or `pending` if it did not within the time. */
export async function ending(
  libos: LibOS,
  qt: QToken,
  told: (completion: Completion) => string = tell,
  timeout = WAIT,
): Promise<string> {
  try {
    return told(await wait(libos, qt, timeout));
  } catch (error) {
    if (codeOf(error) === "ETIMEDOUT") return "pending";
    throw error;
  }
}

/** As {@linkcode ending}, after everything that is ready was done. */
export async function endingNow(libos: LibOS, qt: QToken): Promise<string> {
  pollAll(libos);
  return await ending(libos, qt, tell, libos.capabilities.blocks ? 0 : MOMENT);
}

/** Does everything that is ready. */
export function pollAll(libos: LibOS): void {
  for (let i = 0; i < POLLS; i++) libos.poll();
}

/** Joins what several calls or operations answered. */
export function list(answers: Iterable<string>): string {
  return [...answers].join(" ");
}

/** How several operations ended, in that order. */
export async function endings(libos: LibOS, qts: readonly QToken[]): Promise<string> {
  return list(await Array.fromAsync(qts, (qt) => ending(libos, qt)));
}

/** What is no descriptor of an open queue. */
export const NO_DESCRIPTORS: readonly number[] = [
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  1e9,
  2 ** 53,
  null,
  undefined,
] as number[];

/** What is no token; the first two are those that upstream tries. */
export const NO_TOKENS: readonly QToken[] = [
  0,
  2 ** 64 - 1,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 53 - 1,
  null,
  undefined,
] as QToken[];
