/**
 * Hostile input at length: `deno task fuzz [FRAMES] [SEED]`. Inputs that reach parts of the stack which no other reached are
 * kept in the corpus, and changed again. Ends with code 1 at the first that fails, and prints the shortest like it.
 *
 * @module
 */

import { Coverage } from "./_coverage.ts";
import { loadCorpus, mutate, saveCorpus, shrink, toHex } from "./_corpus.ts";
import { runInput } from "./_session.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";

/** Asking V8 takes as long as some inputs: so many are run before it is asked. */
const BATCH = 50;

const [frames = 1e7, seed = 1] = Deno.args.map(Number);
const random = new SeededRandom(seed);
const coverage = new Coverage();
let corpus: Uint8Array[] = [];
let done = 0;
let inputs = 0;

function run(input: Uint8Array): void {
  try {
    done += runInput(input);
    inputs++;
  } catch (error) {
    const shortest = shrink(input, (one) => {
      try {
        runInput(one);
        return false;
      } catch (other) {
        return (other as Error).message === (error as Error).message;
      }
    });
    console.log(`${error instanceof Error ? error.stack : error}\ninput ${toHex(shortest)}`);
    Deno.exit(1);
  }
}

/** Keeps those of some inputs that reach something new. */
async function keep(candidates: readonly Uint8Array[]): Promise<void> {
  for (const input of candidates) {
    run(input);
    if (await coverage.take(true) > 0) corpus.push(input);
  }
}

await coverage.start();
await keep(loadCorpus());
for (let batch = 1; done < frames; batch++) {
  const candidates = Array.from({ length: BATCH }, () => mutate(random, corpus));
  candidates.forEach(run);
  if (await coverage.take(false) > 0) await keep(candidates);
  if (batch % 400 === 0) {
    console.log(
      `${done} frames, ${inputs} inputs, ${corpus.length} kept, ${coverage.size} reached`,
    );
  }
}
// Short ones first, what they reach together needs fewer.
const all = corpus.sort((a, b) => a.length - b.length);
corpus = [];
coverage.reset();
await keep(all);
saveCorpus(corpus);
coverage.stop();
console.log(`${done} frames, ${inputs} inputs, ${corpus.length} kept, ${coverage.size} reached`);
