/**
 * Loads the library as a program would, with the libOS and perhaps a path as arguments, and prints its path, or
 * the name and the message of the error.
 *
 * @module
 */

import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { load } from "../../ffi/demikernel/load.ts";

const [libos, path] = Deno.args;
try {
  const library = load(libos as NativeLibOS, path);
  const same = load(libos as NativeLibOS, path) === library;
  console.log(`${library.path}${same ? "" : ", twice"}`);
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
