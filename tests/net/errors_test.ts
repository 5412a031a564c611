import { assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { DemikernelError, type ErrnoName } from "../../mod.ts";
import { toDenoError, withDenoErrors } from "../../libos/net/errors.ts";

const CLASSES: [ErrnoName, new (message: string) => Error][] = [
  ["EACCES", Deno.errors.PermissionDenied],
  ["EPERM", Deno.errors.PermissionDenied],
  ["EADDRINUSE", Deno.errors.AddrInUse],
  ["EADDRNOTAVAIL", Deno.errors.AddrNotAvailable],
  ["EBADF", Deno.errors.BadResource],
  ["EBUSY", Deno.errors.Busy],
  ["ECANCELED", Deno.errors.Interrupted],
  ["ECONNABORTED", Deno.errors.ConnectionAborted],
  ["ECONNREFUSED", Deno.errors.ConnectionRefused],
  ["ECONNRESET", Deno.errors.ConnectionReset],
  ["EEXIST", Deno.errors.AlreadyExists],
  ["ENETUNREACH", Deno.errors.NetworkUnreachable],
  ["ENOENT", Deno.errors.NotFound],
  ["ENOTCONN", Deno.errors.NotConnected],
  ["ENOTDIR", Deno.errors.NotADirectory],
  ["ENOTSUP", Deno.errors.NotSupported],
  ["EPIPE", Deno.errors.BrokenPipe],
  ["ETIMEDOUT", Deno.errors.TimedOut],
];

for (const [code, Class] of CLASSES) {
  Deno.test(`toDenoError() gives ${Class.name} with code and cause when the code is ${code}`, () => {
    const cause = new DemikernelError(code, "pop", { qd: 7 });
    const error = toDenoError(cause);
    assertInstanceOf(error, Class);
    assertEquals(error.message, cause.message);
    assertStrictEquals(error.cause, cause);
    assertEquals((error as { code?: string }).code, code);
  });
}

Deno.test("toDenoError() gives back what Deno has no error for, and what is no error of PDPIX", () => {
  for (const one of [new DemikernelError("EINVAL", "pop"), new Error("mine"), "text", null]) {
    assertStrictEquals(toDenoError(one), one);
  }
});

Deno.test("withDenoErrors() converts what is thrown, and gives what is returned", () => {
  assertEquals(withDenoErrors(() => 42), 42);
  assertThrows(() =>
    withDenoErrors(() => {
      throw new DemikernelError("EPIPE", "push");
    }), Deno.errors.BrokenPipe);
});
