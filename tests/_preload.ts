/**
 * Opens libc before the first test, by `deno test --preload`: it is opened once in a process and stays
 * open, which the sanitizer would take for a leak of whichever test came first.
 *
 * @module
 */

import { libc } from "../ffi/libc/load.ts";

libc();
