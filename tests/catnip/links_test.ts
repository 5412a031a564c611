/**
 * catnip on memif, with programs at the other end that run unchanged, sleep, are killed and come again.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, type Connection, type LibOS, open, type OpenOptions, serve } from "../../mod.ts";
import { OURS, prefixed, THEIRS } from "../_network/link.ts";
import { Program } from "../examples/_program.ts";

/** Milliseconds that a link may take to be as it was. */
const PATIENCE = 10_000;

function linkTest(name: string, fn: (socket: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        await fn(`${folder}/memif.sock`);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

function openAt(device: string, options: OpenOptions = {}): LibOS {
  return open({
    libos: "catnip",
    device: device as `memif:${string}`,
    addresses: prefixed(OURS),
    ...options,
  });
}

/** Starts an example at the other end, as one does who knows nothing of it: by the environment alone. */
function start(example: string, device: string, args: string[] = []): Promise<Program> {
  const env = { LIBOS: "catnip", DEVICE: device, ADDRESS: prefixed(THEIRS).join(" ") };
  return Program.start(example, args, { env });
}

async function exchange(connection: Connection, text: string): Promise<string> {
  await connection.push(new TextEncoder().encode(text));
  using sga = await connection.pop({ timeout: PATIENCE });
  return new TextDecoder().decode(sga?.bytes());
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!condition() && performance.now() < end) await new Promise((r) => setTimeout(r, 5));
  assert(condition());
}

for (const [theirs, ours] of [[",role=server", ""], ["", ",role=server"]] as const) {
  linkTest(
    `an example on catnip${theirs} serves, sleeps, is killed and serves again`,
    async (socket) => {
      await using libos = openAt(`memif:${socket}${ours}`);
      for (let round = 0; round < 3; round++) {
        const echo = await start("tcp_echo", `memif:${socket}${theirs}`, ["--idle", "park"]);
        // Whoever comes back has the same Ethernet address: nobody has to ask for it again.
        using connection = await connect({ libos, hostname: THEIRS.inet, port: echo.port });
        for (const text of ["one", "two"]) {
          assertEquals(await exchange(connection, text), text);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        assertEquals(libos.statistics().device!.link, "up");
        await echo.end("SIGKILL");
        await until(() => libos.statistics().device!.link !== "up");
        assertStringIncludes(libos.statistics().device!.link!, "down: the other end is gone");
      }
      assertEquals(libos.statistics().device!.links, 3);
    },
  );
}

linkTest("a connection on memif survives that its link goes down and up", async (socket) => {
  await using theirs = open({
    libos: "catnip",
    device: `memif:${socket},role=server`,
    addresses: prefixed(THEIRS),
  });
  await using _server = serve({ libos: theirs, hostname: THEIRS.inet, port: 7 }, async (one) => {
    for await (const sga of one) await one.push(sga);
  });
  await using ours = openAt(`memif:${socket}`);
  using connection = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
  assertEquals(await exchange(connection, "before"), "before");
  // Another one breaks the rules, in the name of ours.
  const memory = (ours as unknown as { stack: { interface: { memory: { i32: Int32Array } } } })
    .stack.interface.memory.i32;
  const ring = memory.indexOf(0x3e31f20);
  const words = new Uint16Array(memory.buffer);
  words[2 * ring + 3] = words[2 * ring + 3]! + 5000;
  await until(() => theirs.statistics().device!.links === 2);
  assertEquals(await exchange(connection, "after"), "after");
});

linkTest("catnip sleeps while nobody is at the other end", async (socket) => {
  for (const role of ["client", "server"]) {
    await using libos = openAt(`memif:${socket},role=${role}`, { idle: "adaptive" });
    const connecting = Promise.allSettled([
      connect({ libos, hostname: THEIRS.inet, port: 7, timeout: 900 }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = cpuTicks();
    await new Promise((resolve) => setTimeout(resolve, 500));
    // A loop that does not sleep takes 50 ticks.
    assert(cpuTicks() - before < 25, `${cpuTicks() - before}`);
    await connecting;
  }
});

linkTest("catnip writes what it captures", async (socket) => {
  const capture = `${socket}.pcapng`;
  {
    await using echo = await start("udp_echo", `memif:${socket},role=server`);
    await using libos = openAt(`memif:${socket}`, { capture });
    const qd = libos.socket("inet", "dgram");
    libos.bind(qd, { hostname: OURS.inet, port: 5000 });
    const { operations } = libos;
    await operations.pushTo(qd, libos.alloc(500), { hostname: THEIRS.inet, port: echo.port });
    using sga = (await operations.pop(qd))!;
    assertEquals(sga.length, 500);
  }
  const bytes = await Deno.readFile(capture);
  assertEquals(new DataView(bytes.buffer).getUint32(0), 0x0a0d0d0a);
  assert(bytes.length > 2 * 542, `${bytes.length}`);
});

/** Processor time of this process, in hundredths of a second. */
function cpuTicks(): number {
  const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
