import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { needing } from "../_needs.ts";
import { Program, run } from "../examples/_program.ts";
import { deno, echoProgram, makeDirectory, ROOT } from "./_programs.ts";

/** Where libc is on this machine. */
const LIBC = `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`;
const SCOPED = `--allow-ffi=${LIBC}`;
const missingLibc = await Deno.stat(LIBC).then(() => undefined, () => `needs ${LIBC}`);

const EXAMPLES = ["tcp_echo", "udp_echo", "kv"];

for (const example of EXAMPLES) {
  Deno.test(`${example} says which permission is missing without --allow-ffi`, async () => {
    for (const permissions of [[], ["-A", "--deny-ffi"], ["--allow-ffi=/nonexistent.so"]]) {
      const args = ["--port", "0", "--libos", "catnap"];
      const { code, stdout, stderr } = await run(example, args, { permissions });
      assertEquals([code, stdout], [1, ""]);
      assertMatch(stderr, /^error: [^\n]*--allow-ffi[^\n]*\n$/);
    }
  });

  Deno.test({
    ...needing(missingLibc, `${example} runs with ${SCOPED} alone`),
    async fn() {
      await using program = await Program.start(example, [], { permissions: [SCOPED] });
      assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
    },
  });

  Deno.test(`${example} does not read LIBOS without --allow-env=LIBOS`, async () => {
    const env = { LIBOS: "catnup" };
    await using program = await Program.start(example, [], { permissions: ["--allow-ffi"], env });
    assertStringIncludes(program.line, "over catnap");
    const permissions = ["--allow-ffi", "--allow-env=LIBOS"];
    const { code, stderr } = await run(example, ["--port", "0"], { permissions, env });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "catnup");
  });
}

for (const example of ["tcp_echo", "kv"]) {
  Deno.test(`${example} runs on Deno's sockets with --allow-net alone, and says so once`, async () => {
    const permissions = ["--allow-net=127.0.0.1"];
    await using program = await Program.start(example, [], { permissions });
    assertStringIncludes(program.line, "over catnap (deno)");
    const { code, stderr } = await program.end("SIGINT");
    assertEquals(code, 0);
    assertMatch(stderr, /^[^\n]*--allow-ffi[^\n]*Deno's own sockets are used instead\.\n$/);
  });
}

Deno.test("open() with nothing chosen throws NotCapable for what Deno's sockets lack", async () => {
  const { code, stdout, stderr } = await run("tcp_echo", ["--port", "0"], { permissions: [] });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /instead\.\nerror: [^\n]*--allow-net[^\n]*\n$/);
});

Deno.test("open() of catnap throws NotCapable without --allow-ffi, whatever else is allowed", async () => {
  const program = `
    import { open, serve } from ${JSON.stringify(`${ROOT}mod.ts`)};
    for (const call of [() => open("catnap"), () => serve({ libos: "catnap", port: 0 }, () => {})]) {
      try { call(); } catch (error) { console.log(error instanceof Deno.errors.NotCapable); }
    }
  `;
  await using directory = await makeDirectory();
  await Deno.writeTextFile(`${directory.path}/program.ts`, program);
  const flags = ["--no-prompt", "--no-config", "-A", "--deny-ffi"];
  const { stdout, stderr } = await deno(["run", ...flags, `${directory.path}/program.ts`]);
  assertEquals({ stdout, stderr }, { stdout: "true\ntrue\n", stderr: "" });
});

Deno.test({
  ...needing(missingLibc, `a program of one's own echoes with ${SCOPED} alone`),
  async fn() {
    await using directory = await makeDirectory();
    const program = `${directory.path}/program.ts`;
    await Deno.writeTextFile(program, echoProgram(`${ROOT}mod.ts`));
    const { stdout, stderr } = await deno(["run", "--no-prompt", "--no-config", SCOPED, program]);
    assertEquals({ stdout, stderr }, { stdout: "round trip\n", stderr: "" });
  },
});
