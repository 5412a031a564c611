/**
 * Hostile input: the corpus, and what is made of it. `deno task fuzz` runs a hundred times as much.
 *
 * @module
 */

import { assert } from "@std/assert";
import { loadCorpus, mutate, toHex } from "./_corpus.ts";
import { runInput } from "./_session.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";

const FRAMES = 100_000;

function run(input: Uint8Array): number {
  try {
    return runInput(input);
  } catch (error) {
    throw new Error(`input ${toHex(input)}`, { cause: error });
  }
}

Deno.test(`${FRAMES} hostile frames throw nothing, leave nothing, and disturb nobody`, () => {
  const random = new SeededRandom(15);
  const corpus = loadCorpus();
  let frames = corpus.reduce((sum, input) => sum + run(input), 0);
  while (frames < FRAMES) frames += run(mutate(random, corpus));
  assert(corpus.length > 100, `${corpus.length} inputs`);
});
