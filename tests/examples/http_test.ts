/**
 * The HTTP server as a program, for curl and for the WebSocket of Deno.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { HttpClient } from "../../libos/http/mod.ts";
import { open } from "../../mod.ts";
import { missingLibrary, missingProgram, needing } from "../_needs.ts";
import { OURS, prefixed, THEIRS } from "../_network/link.ts";
import { curl } from "../node/_node.ts";
import { within } from "../runtime/_assert.ts";
import { Certificates } from "../tls/_certificates.ts";
import { HOSTNAME, missingLoopback, Program, run } from "./_program.ts";

/** What it needs, and no more. */
const PERMISSIONS = ["--allow-ffi", "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE"];

const LINES = Array.from({ length: 1000 }, (_, i) => `${i}\n`).join("");

for (const tier of ["fetch", "fast", "node"]) {
  Deno.test({
    ...needing(
      missingProgram("curl"),
      `http --tier ${tier} answers, echoes, streams, and ends although clients stay`,
    ),
    async fn() {
      const args = ["--tier", tier];
      await using program = await Program.start("http", args, { permissions: PERMISSIONS });
      const url = `http://${HOSTNAME}:${program.port}`;
      const { stdout } = await curl([url, `${url}/hello/you`, "-d", "abc", `${url}/echo`]);
      assertEquals(stdout, "404 Not Found404 Not Foundabc");
      assertEquals((await curl([url, `${url}/hello/you`])).stdout, 'hello{"hello":"you"}');
      assertEquals((await curl([`${url}/stream`])).stdout, LINES);
      assertEquals((await curl([`${url}/none`])).stdout, "404 Not Found");
      const large = "large ".repeat(500_000);
      const echoed = await curl([`${url}/echo`, "--data-binary", "@-"], large);
      assertEquals(echoed.stdout === large, true, echoed.stderr);
      const socket = new WebSocket(`ws://${HOSTNAME}:${program.port}/`);
      await new Promise((resolve) => socket.onopen = resolve);
      const reply = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
      socket.send("ping");
      assertEquals((await within(reply)).data, "ping");
      const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
      assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
      assertEquals((await within(closed)).code, 1001);
    },
  });

  Deno.test({
    ...needing(
      missingProgram("curl") ?? missingProgram("openssl"),
      `http --tier ${tier} speaks HTTPS with --cert and --key`,
    ),
    async fn() {
      await using certificates = await Certificates.make();
      const { certPath, keyPath } = await certificates.issue("localhost");
      const args = ["--tier", tier, "--cert", certPath, "--key", keyPath];
      const permissions = [...PERMISSIONS, `--allow-read=${certPath},${keyPath}`];
      await using program = await Program.start("http", args, { permissions });
      const url = `https://localhost:${program.port}/hello/you`;
      assertEquals(
        (await curl(["--cacert", certPath, "--connect-to", `::${HOSTNAME}:`, url])).stdout,
        '{"hello":"you"}',
      );
      assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
    },
  });
}

Deno.test({
  ...needing(
    missingLoopback("it is on upstream's catnap") ?? missingLibrary("catnap") ??
      missingProgram("curl"),
    "http answers over native catnap",
  ),
  async fn() {
    await using program = await Program.start("http", ["--libos", "demikernel:catnap"]);
    const url = `http://${HOSTNAME}:${program.port}/hello/you`;
    assertEquals((await curl([url])).stdout, '{"hello":"you"}');
    assertEquals((await program.end("SIGINT")).code, 0);
  },
});

for (const tier of ["fetch", "fast"]) {
  Deno.test({
    ...needing(
      missingLoopback("it is on memif") ?? (Deno.build.os === "linux" ? undefined : "needs Linux"),
      `http --tier ${tier} answers our client over memif`,
    ),
    async fn() {
      const device = `memif:@http-example-${Deno.pid}` as const;
      await using program = await Program.start("http", ["--libos", "catnip", "--tier", tier], {
        env: { DEVICE: `${device},role=server`, ADDRESS: prefixed(OURS)[0]! },
      });
      {
        await using libos = open({ libos: "catnip", device, addresses: prefixed(THEIRS) });
        using client = new HttpClient({ libos });
        const url = `http://${OURS.inet}:${program.port}`;
        assertEquals(await (await client.get(`${url}/hello/you`)).json(), { hello: "you" });
        assertEquals(await (await client.get(`${url}/stream`)).text(), LINES);
        const body = "large ".repeat(100_000);
        assertEquals(await (await client.post(`${url}/echo`, { body })).text(), body);
      }
      assertEquals((await program.end("SIGINT")).code, 0);
    },
  });
}

const WRONG: [string[], RegExp][] = [
  [["--cert", "/none.pem"], /--cert and --key belong together/],
  [["--cert", "/none.pem", "--key", "/none.pem"], /none\.pem/],
  [["--cert="], /--cert must be FILE/],
];

for (const [args, told] of WRONG) {
  const name = `http says one line, and ends with 1, when it is run with ${args.join(" ")}`;
  Deno.test(needing(missingLoopback("it opens no device"), name), async () => {
    const { code, stdout, stderr } = await run("http", ["--port", "0", ...args]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: [^\n]+\n$/);
    assertMatch(stderr, told);
  });
}
