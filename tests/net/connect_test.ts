import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { connect, type ConnectOptions, DemikernelError, listen, open, serve } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, generatorEcho, LOOPBACK, netTest, text } from "./_net.ts";

netTest("connect() connects to a listener of Deno", async (libos) => {
  using listener = Deno.listen(LOOPBACK);
  using client = await connect({ libos, ...LOOPBACK, port: listener.addr.port });
  using server = await listener.accept();
  await client.push(bytes("hi"));
  const buffer = new Uint8Array(8);
  assertEquals(await server.read(buffer), 2);
  await server.write(buffer.subarray(0, 2));
  assertEquals(text(await client.pop()), "hi");
});

netTest("connect() works in a coroutine", async (libos) => {
  await using server = serve({ libos, ...LOOPBACK }, generatorEcho);
  const answer = await libos.spawn(function* () {
    using client = yield* connect({ libos, port: server.addr.port });
    yield* client.push(bytes("hi"));
    return text(yield* client.pop());
  }());
  assertEquals(answer, "hi");
});

netTest("connect() fails with ConnectionRefused when nobody listens", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    async () => await connect({ libos, port }),
    Deno.errors.ConnectionRefused,
  );
  assertInstanceOf(error.cause, DemikernelError);
  assertEquals(error.cause.operation, "connect");
});

netTest("connect() fails with NotFound when there is no such Unix socket", async (libos) => {
  await assertRejects(
    async () => await connect({ libos, path: "/nonexistent/socket" }),
    Deno.errors.NotFound,
  );
});

const SENSELESS: Record<string, ConnectOptions> = {
  "a name": { hostname: "example.com", port: 1 },
  "an empty host name": { hostname: "", port: 1 },
  "brackets": { hostname: "[::1]", port: 1 },
  "a port too large": { port: 65536 },
  "a port that is none": { port: NaN },
  "an empty path": { path: "" },
  "a path too long": { path: "x".repeat(200) },
};

for (const [what, options] of Object.entries(SENSELESS)) {
  netTest(`connect() throws, and holds nothing, when it is given ${what}`, (libos) => {
    const { code } = assertThrows(() => connect({ libos, ...options }), DemikernelError);
    assertEquals(["EINVAL", "ENAMETOOLONG"].includes(code), true, code);
    return Promise.resolve();
  });
}

Deno.test("connect() is interrupted when its libOS is closed", async () => {
  const libos = open();
  await using other = open();
  using listener = listen({ libos: other, ...LOOPBACK, backlog: 1 });
  const { port } = listener.addr;
  for (let i = 0; i < 2; i++) await connect({ libos, port });
  const pending = assertRejects(
    async () => await connect({ libos, port }),
    Deno.errors.Interrupted,
  );
  await within(libos.exit());
  await within(pending);
});
