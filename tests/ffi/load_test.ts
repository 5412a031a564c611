/**
 * Loading libc: where, with which permission, and what is said where it cannot be had.
 *
 * @module
 */

import "../_preload.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { libcPaths, LibcUnavailableError, openLibc } from "../../ffi/libc/load.ts";
import { runProgram } from "../catnap/_child.ts";

for (const arch of ["x86_64", "aarch64"]) {
  Deno.test(`libcPaths() gives absolute paths of glibc on Linux, ${arch}`, () => {
    const paths = libcPaths("linux", arch);
    assertEquals(paths[0], `/lib/${arch}-linux-gnu/libc.so.6`);
    assertEquals(paths.filter((path) => !path.startsWith("/")), []);
  });
}

for (
  const [os, arch] of [
    ["darwin", "aarch64"],
    ["windows", "x86_64"],
    ["freebsd", "x86_64"],
    ["android", "aarch64"],
    ["linux", "riscv64"],
    ["linux", "toString"],
  ] as const
) {
  Deno.test(`libcPaths() says what is missing on ${os}, ${arch}`, () => {
    const { message } = assertThrows(() => libcPaths(os, arch), LibcUnavailableError);
    assertStringIncludes(message, `this system is ${os} on ${arch}`);
    assertStringIncludes(message, "need Linux on x86_64 or aarch64");
  });
}

Deno.test("openLibc() says that glibc is needed where there is none", () => {
  for (const path of ["/nonexistent/libc.so.6", "/dev/null"]) {
    const { message } = assertThrows(() => openLibc(path), LibcUnavailableError);
    assertStringIncludes(message, `${path} is no glibc (musl is not supported)`);
  }
});

/** A program that opens catnap, uses it, and says what came of it. */
const PROGRAM = `
  try {
    const libos = open("catnap");
    const qd = libos.socket("inet", "dgram");
    libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
    libos.wait(libos.pushTo(qd, libos.alloc(3), libos.getsockname(qd)));
    console.log(libos.wait(libos.pop(qd)).sga.length);
    await libos.exit();
  } catch (error) {
    console.log(error instanceof Deno.errors.NotCapable, error.code, error.message);
  }
`;

/** Where libc is on this system. */
const LIBC = libcPaths(Deno.build.os, Deno.build.arch).find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
})!;

Deno.test("catnap needs no more than --allow-ffi of libc alone", async () => {
  assertEquals(await runProgram(PROGRAM, { flags: ["--no-prompt", `--allow-ffi=${LIBC}`] }), ["3"]);
});

Deno.test("catnap works with --allow-ffi", async () => {
  assertEquals(await runProgram(PROGRAM, { flags: ["--no-prompt", "--allow-ffi"] }), ["3"]);
});

for (const flags of [[], ["--allow-ffi=/nonexistent.so"], ["--deny-ffi"]]) {
  Deno.test(`open() throws NotCapable and says which flag is missing, given ${flags[0] ?? "none"}`, async () => {
    const [said] = await runProgram(PROGRAM, { flags: ["--no-prompt", ...flags] });
    const path = libcPaths(Deno.build.os, Deno.build.arch)[0];
    assertEquals(
      said,
      "true undefined Cannot load libc: the permission is missing; run again with " +
        `--allow-ffi=${path}, or where libc is elsewhere, with --allow-ffi`,
    );
  });
}

Deno.test("open() throws ENOSYS where libc is no glibc", async () => {
  // As on a system with musl: the library has the name, and not the functions.
  const program = `
    const dlopen = Deno.dlopen;
    Deno.dlopen = (_, symbols) => dlopen("libm.so.6", { ...symbols, no_such_function: symbols.bind });
    ${PROGRAM}
  `;
  const [said] = await runProgram(program, { flags: ["--no-prompt", "--allow-ffi"] });
  assertStringIncludes(said!, "false ENOSYS Cannot open: catnap: Cannot load libc: libc.so.6");
  assertStringIncludes(said!, "musl is not supported");
});
