/**
 * Calls that fail, and the errno that they leave.
 *
 * @module
 */

import "../_preload.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { check, LibcError } from "../../ffi/libc/call.ts";
import { libc } from "../../ffi/libc/load.ts";
import { addressOf, errno } from "../../ffi/libc/memory.ts";
import { Errno } from "../../libos/error.ts";

Deno.test("check() gives a result back, and throws the errno of a call that failed", () => {
  assertEquals(check("close", 0), 0);
  const bad = assertThrows(() => check("close", libc().close(-1)), LibcError);
  assertEquals([bad.errno, bad.message], [Errno.EBADF, "close failed with errno 9"]);
  const wrong = assertThrows(() => check("socket", libc().socket(-1, 1, 0)), LibcError);
  assertEquals(wrong.errno, Errno.EAFNOSUPPORT);
});

Deno.test("errno() is that of the last call that failed", () => {
  libc().close(-1);
  assertEquals(errno(), Errno.EBADF);
  libc().epoll_create1(-1);
  assertEquals([errno(), errno()], [Errno.EINVAL, Errno.EINVAL]);
});

Deno.test("addressOf() is where libc finds the memory, also in the middle of it", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  assertEquals(addressOf(bytes.subarray(2)), addressOf(bytes) + 2);
  libc().memcpy(BigInt(addressOf(bytes)), BigInt(addressOf(bytes.subarray(2))), 2n);
  assertEquals([...bytes], [3, 4, 3, 4]);
});

Deno.test("libc() opens the library once", () => {
  assertEquals(libc() === libc(), true);
});
