/**
 * The stack is a pure function of its state, the frames that come and the time that it is told: it has no clock, no
 * randomness, no timer of the system's and no foreign function.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../libos/inetstack/", import.meta.url);
/** What the protocols may know beside themselves: memory, a heap of deadlines, text of addresses, errors, checks of arguments. */
const ALLOWED = [
  "libos/check.ts",
  "libos/error.ts",
  "libos/runtime/address.ts",
  "libos/runtime/memory/",
  "libos/runtime/scheduler/timers.ts",
];
/** What the queues may know on top of that: what every libOS in TypeScript is made of. */
const ALLOWED_TO_QUEUES = ["libos/runtime/", "libos/pdpix.ts"];
const FORBIDDEN = [
  /\bDate\b/,
  /\bperformance\b/,
  /\bMath\.random\b/,
  /\bcrypto\b/,
  /\b(set|clear)(Timeout|Interval|Immediate)\b/,
  /\bqueueMicrotask\b/,
  /\bDeno\.(?!inspect\b)/,
  /\bglobalThis\b/,
];

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) yield* sources(new URL(`${entry.name}/`, folder));
    else yield new URL(entry.name, folder);
  }
}

/** The code without its comments. */
function codeOf(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}

Deno.test("the stack asks nobody for the time, for randomness or for anything foreign", async () => {
  let files = 0;
  for await (const file of sources(ROOT)) {
    files++;
    const code = codeOf(await Deno.readTextFile(file));
    for (const pattern of FORBIDDEN) {
      assertEquals(code.match(pattern)?.[0], undefined, `${file} has ${pattern}`);
    }
  }
  assert(files > 50);
});

Deno.test("the protocols know nothing of operations, coroutines and queues", async () => {
  for await (const file of sources(ROOT)) {
    const isQueue = file.pathname.includes("/inetstack/queues/");
    const allowed = isQueue ? [...ALLOWED, ...ALLOWED_TO_QUEUES] : ALLOWED;
    const code = codeOf(await Deno.readTextFile(file));
    for (const [, specifier] of code.matchAll(/from\s+"([^"]+)"/g)) {
      const path = new URL(specifier!, file).pathname;
      const inside = path.startsWith(ROOT.pathname) &&
        (isQueue || !path.includes("/inetstack/queues/"));
      assert(
        inside || allowed.some((one) => path.includes(`/${one}`)),
        `${file.pathname} knows ${specifier}`,
      );
    }
  }
});
