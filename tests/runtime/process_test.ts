/**
 * What keeps a process alive, in processes of their own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** Runs a program that says "alive" if something kept it alive for 200 ms; gives what it said. */
async function run(program: string): Promise<string> {
  const code = `
    import { open, serve } from ${JSON.stringify(MOD)};
    const libos = open({ libos: "catnap", idle: "park" });
    Deno.unrefTimer(setTimeout(() => { console.log("alive"); Deno.exit(); }, 200));
    ${program}
  `;
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(10_000),
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  assertEquals(status, 0);
  return decoder.decode(stdout).trim();
}

const LISTENER = `
  const qd = libos.socket("inet", "stream");
  libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
  libos.listen(qd);
`;

Deno.test("an open libOS on which nothing is pending lets the process end", async () => {
  assertEquals(await run(LISTENER), "");
});

Deno.test("a pending operation keeps the process alive", async () => {
  assertEquals(await run(`${LISTENER} libos.accept(qd);`), "alive");
});

Deno.test("a pending operation of an in-memory queue keeps the process alive", async () => {
  assertEquals(await run(`libos.pop(libos.queue());`), "alive");
});

Deno.test("a pending operation of a queue that was unref'd lets the process end", async () => {
  assertEquals(await run(`${LISTENER} libos.unref(qd); libos.accept(qd);`), "");
});

Deno.test("unref() of a queue with a pending operation lets the process end", async () => {
  assertEquals(
    await run(`${LISTENER} libos.accept(qd); setTimeout(() => libos.unref(qd), 20);`),
    "",
  );
});

Deno.test("ref() of a queue with a pending operation keeps the process alive", async () => {
  const program = `libos.unref(qd); libos.accept(qd); setTimeout(() => libos.ref(qd), 20);`;
  assertEquals(await run(LISTENER + program), "alive");
});

Deno.test("cancelling the last pending operation lets the process end", async () => {
  const program = `const qt = libos.accept(qd); setTimeout(() => libos.cancel(qt), 20);`;
  assertEquals(await run(LISTENER + program), "");
});

Deno.test("an operation of an unref'd queue ends while something else keeps the process alive", async () => {
  const program = `
    libos.unref(qd);
    const accepted = Promise.resolve(libos.operations.accept(qd));
    const { port } = libos.getsockname(qd);
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const alive = setInterval(() => {}, 1000);
    await accepted;
    clearInterval(alive);
    console.log("accepted");
  `;
  assertEquals(await run(LISTENER + program), "accepted");
});

const SERVER = `const server = serve({ libos, hostname: "127.0.0.1", port: 0 }, () => {});`;

Deno.test("a server keeps the process alive", async () => {
  assertEquals(await run(SERVER), "alive");
});

Deno.test("a server that was unref'd lets the process end", async () => {
  assertEquals(await run(`${SERVER} server.unref();`), "");
});
