/**
 * The flags of the examples, and how these end.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { Program, type ProgramOptions, run } from "./_program.ts";

const EXAMPLES = {
  tcp_echo: "TCP echo",
  udp_echo: "UDP echo",
  relay: "TCP relay",
  kv: "Key-value store",
  http: "HTTP server",
  chat: "Chat",
  mdns: "Multicast DNS",
  rpc: "RPC server",
} as const;

/** What an example needs to be imported: its packages look into the environment. */
const PERMISSIONS: Partial<Record<string, string[]>> = {
  http: ["--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE"],
};

for (const [example, about] of Object.entries(EXAMPLES)) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.test(`${example} says one line, and ends with 0 when it gets ${signal}`, async () => {
      await using program = await Program.start(example);
      const where = `${about}: listening on 127.0.0.1:${program.port} over catnap (typescript)`;
      assertEquals(program.line, `${where}, idle policy adaptive; Ctrl-C ends it\n`);
      assertEquals(await program.end(signal), { code: 0, stdout: "", stderr: "" });
    });
  }

  const permissions = PERMISSIONS[example] ?? [];
  const need = permissions.length === 0 ? "without any permission" : "with what packages need";
  Deno.test(`${example} --help tells of every flag, ${need}`, async (t) => {
    const { code, stdout, stderr } = await run(example, ["--help"], { permissions });
    assertEquals([code, stderr], [0, ""]);
    await assertSnapshot(t, stdout);
  });
}

/** Says how an example is run. */
function describe(args: string[], { permissions, env = {} }: ProgramOptions = {}): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [...settings, ...args.map((arg) => arg || '""')].join(" ") ||
    (permissions === undefined ? "no flags" : "no permission");
}

/** What is wrong, and what the one line must tell. */
const WRONG: [string[], RegExp, ProgramOptions?][] = [
  [["--idle", "turbo"], /spin.*adaptive.*park.*turbo/],
  [["--idle", ""], /idle policy/],
  [["--libos", "catnup"], /catnup.*catnap/],
  [["--handler", "callback"], /--handler.*callback/],
  [["--port", ""], /--port/],
  [["--port", "65536"], /--port.*65536/],
  [["--port", "-1"], /--port/],
  [["--port", "80x"], /--port.*80x/],
  [["--port"], /--port/],
  [["--hostname", ""], /""/],
  [["--hostname", "example.com"], /example\.com/],
  [["--hostname", "[127.0.0.1]"], /\[127\.0\.0\.1\]/],
  [["--hostname", "192.0.2.1"], /192\.0\.2\.1/],
  [["--help=yes"], /--help/],
  [["--nonsense"], /--nonsense/],
  [["-x"], /-x/],
  [["7000"], /7000/],
  [[], /catnup/, { env: { LIBOS: "catnup" } }],
  [["--libos", "catnap"], /--allow-ffi/, { permissions: [] }],
];

for (const [args, tells, options] of WRONG) {
  const what = describe(args, options);
  Deno.test(`tcp_echo says one line, and ends with 1, when it is run with ${what}`, async () => {
    const { code, stdout, stderr } = await run("tcp_echo", args, options);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: [^\n]+\n$/);
    assertMatch(stderr, tells);
  });
}

Deno.test("an example says one line, and ends with 1, when its port is in use", async () => {
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = tcp.addr;
  for (const example of ["tcp_echo", "kv"]) {
    const { code, stdout, stderr } = await run(example, ["--port", String(port)]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, new RegExp(`^error: 127.0.0.1:${port}: [^\n]*in use[^\n]*\n$`));
  }
  await using udp = await Program.start("udp_echo");
  const { code, stderr } = await run("udp_echo", ["--port", String(udp.port)]);
  assertEquals(code, 1);
  assertMatch(stderr, new RegExp(`^error: 127.0.0.1:${udp.port}: [^\n]*in use[^\n]*\n$`));
});

/** Flags that are right, and what the line must have. */
const RIGHT: [string[], string, ProgramOptions?][] = [
  [["--hostname", "::1"], "on [::1]:"],
  [["--hostname", "localhost"], "on 127.0.0.1:"],
  [["--idle", "spin"], "policy spin"],
  [["--idle=park"], "policy park"],
  [["--idle", "spin", "--idle", "park"], "policy park"],
  [["--libos", "catnap"], "over catnap", { env: { LIBOS: "catnup" } }],
  [[], "over catnap", { env: { LIBOS: "catnap" } }],
];

for (const [args, says, options] of RIGHT) {
  const what = describe(args, options);
  Deno.test(`tcp_echo listens when it is run with ${what}`, async () => {
    await using program = await Program.start("tcp_echo", args, options);
    assertStringIncludes(program.line, says);
    assertEquals((await program.end("SIGINT")).code, 0);
  });
}
