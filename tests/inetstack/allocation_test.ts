/**
 * No allocation per segment: a connection that is made sends and receives, and repairs losses, without making objects.
 *
 * @module
 */

import { assert } from "@std/assert";

/** Bytes that may be left per segment: what V8 allocates for its own feedback, and not an object, which has 16. */
const MOST = 8;

/** Runs a program of its own, with a heap of new objects so large that none is collected; gives bytes per segment. */
async function bytesPerSegment(loss: number): Promise<number> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--v8-flags=--expose-gc,--semi-space-growth-factor=1,--min-semi-space-size=256,--max-semi-space-size=256",
      "--allow-all",
      new URL("./_allocate.ts", import.meta.url).href,
      String(loss),
    ],
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  return Number(text);
}

for (
  const [what, loss] of [["nothing is lost", 0], ["each fiftieth segment is lost", 50]] as const
) {
  Deno.test(`a connection allocates nothing per segment when ${what}`, async () => {
    const bytes = await bytesPerSegment(loss);
    assert(bytes < MOST, `${bytes} bytes per segment`);
  });
}
