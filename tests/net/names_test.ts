/**
 * Names of hosts. The resolver is the test's own: no name leaves this machine.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  connect,
  datagram,
  DemikernelError,
  type LibOS,
  listen,
  open,
  resolve,
  type Resolver,
  serve,
} from "../../mod.ts";
import { isName } from "../../libos/net/names.ts";
import { within } from "../runtime/_assert.ts";
import { generatorEcho, held, LOOPBACK, netTest, text } from "./_net.ts";

/** Knows some names. */
const NAMES: Record<string, Partial<Record<4 | 6, string[]>>> = {
  "both.test": { 6: ["::1"], 4: ["127.0.0.1"] },
  "four.test": { 4: ["127.0.0.1"] },
  "six.test": { 6: ["::1"] },
  "web1": { 4: ["127.0.0.1"] },
};

const resolver: Resolver = (hostname, family) => Promise.resolve(NAMES[hostname]?.[family] ?? []);

/** A resolver that never answers. */
const silent: Resolver = () => new Promise<never>(() => {});

const unasked: Resolver = (hostname) => {
  throw new Error(`it was asked for ${hostname}`);
};

/** What connects to a server that listens at an address: a name, and who it is that answers. */
const REACHED: [name: string, listensAt: string][] = [
  ["both.test", "::1"],
  ["both.test", "127.0.0.1"],
  ["four.test", "127.0.0.1"],
  ["six.test", "::1"],
  ["web1", "127.0.0.1"],
  ["localhost", "::1"],
  ["localhost", "127.0.0.1"],
  ["LOCALHOST.", "127.0.0.1"],
  ["app.localhost", "::1"],
  ["[::1]", "::1"],
];

for (const [name, hostname] of REACHED) {
  netTest(`connect() reaches ${hostname} by ${name}`, async (libos) => {
    await using server = serve({ libos, hostname, port: 0 }, generatorEcho);
    const { port } = server.addr;
    const asked = name.includes("localhost") ? unasked : resolver;
    const options = { libos, hostname: name, port, resolver: asked };
    using client = await connect(options);
    assertEquals(client.remoteAddr, { hostname, port });
    const answer = await libos.spawn(function* () {
      using another = yield* connect(options);
      yield* another.push("hi");
      return text(yield* another.pop());
    }());
    assertEquals(answer, "hi");
  });
}

netTest("connect() reaches a URL's host as URL.hostname gives it", async (libos) => {
  await using server = serve({ libos, hostname: "::1", port: 0 }, generatorEcho);
  const { hostname, port } = new URL(`http://[::1]:${server.addr.port}/`);
  using client = await connect({ libos, hostname, port: Number(port) });
  assertEquals(client.remoteAddr.hostname, "::1");
});

netTest("connect() fails as the last attempt did when no address answers", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  listener.close();
  for (const hostname of ["both.test", "localhost"]) {
    await assertRejects(
      async () => await connect({ libos, hostname, port, resolver }),
      Deno.errors.ConnectionRefused,
    );
  }
});

netTest("connect() fails with NotFound when a name has no address", async (libos) => {
  const failing: Resolver = () => Promise.reject(new Deno.errors.NotFound("nowhere"));
  for (const one of [resolver, failing]) {
    await assertRejects(
      async () => await connect({ libos, hostname: "nobody.test", port: 1, resolver: one }),
      Deno.errors.NotFound,
    );
  }
});

netTest("connect() fails with what a resolver throws", async (libos) => {
  await assertRejects(
    async () => await connect({ libos, hostname: "four.test", port: 1, resolver: unasked }),
    Error,
    "it was asked for four.test",
  );
});

/** Ways in which nobody waits any more for a host whose name nobody knows. */
const LOST: Record<string, (libos: LibOS) => Promise<unknown>> = {
  "it is cancelled": (libos) => {
    const connecting = connect({ libos, hostname: "a.test", port: 1, resolver: silent });
    connecting.cancel();
    return assertRejects(() => connecting, Deno.errors.Interrupted);
  },
  "its time is over": (libos) =>
    assertRejects(
      async () =>
        await connect({ libos, hostname: "a.test", port: 1, resolver: silent, timeout: 1 }),
      Deno.errors.TimedOut,
    ),
  "its signal is aborted": (libos) => {
    const signal = AbortSignal.abort("enough");
    const late = new AbortController();
    const options = { libos, hostname: "a.test", port: 1, resolver: silent };
    try {
      connect({ ...options, signal });
      throw new Error("it began");
    } catch (reason) {
      assertEquals(reason, "enough");
    }
    const connecting = connect({ ...options, signal: late.signal });
    late.abort("too late");
    return connecting.then(() => {}, (reason) => assertEquals(reason, "too late"));
  },
  "its coroutine is closed": async (libos) => {
    const coroutine = function* () {
      yield* connect({ libos, hostname: "a.test", port: 1, resolver: silent });
    }();
    const spawned = libos.spawn(coroutine);
    await libos.operations.sleep(1);
    coroutine.return();
    await spawned;
  },
};

for (const [what, lose] of Object.entries(LOST)) {
  netTest(`connect() to a name holds nothing when ${what}`, async (libos) => {
    await within(lose(libos));
  });
}

netTest("connect() to a name closes a connection that nobody gets", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  const before = held(libos);
  const coroutine = function* () {
    yield* connect({ libos, hostname: "four.test", port, resolver });
  }();
  const spawned = libos.spawn(coroutine);
  using accepted = await listener.accept();
  coroutine.return();
  await within(spawned);
  assertEquals(await accepted.pop(), null);
  accepted.close();
  assertEquals(held(libos), before);
});

Deno.test("connect() to a name opens a libOS by name, and closes it with the connection", async () => {
  await using libos = open();
  using listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  using client = await connect({ libos: "catnap", hostname: "four.test", port, resolver });
  client.close();
  await assertRejects(
    async () => await connect({ hostname: "nobody.test", port, resolver }),
    Deno.errors.NotFound,
  );
  await libos.operations.sleep(1);
  assertThrows(() => client.libos.alloc(1), DemikernelError, "closed");
});

/** What is no host, and nobody must be asked for. */
const NO_HOSTS = [
  "",
  " ",
  "a b",
  "a..b",
  ".a",
  "-a",
  "a-",
  "a/b",
  "a:b",
  "[a]",
  "[127.0.0.1]",
  "[::1",
  "bücher.test",
  "127.1",
  "1.2.3.4.5",
  "256.1.1.1",
  "1.2.3.4.",
  "0x7f",
  "a.0x7f",
  "a.1",
  "x".repeat(64),
  "a.".repeat(130),
  "a\0b",
];

netTest("what is no host is refused at once, and no resolver is asked", async (libos) => {
  using socket = datagram({ libos, resolver: unasked });
  for (const hostname of NO_HOSTS) {
    const options = { libos, hostname, port: 1, resolver: unasked };
    for (
      const call of [
        () => connect(options),
        () => listen(options),
        () => datagram(options),
        () => socket.push("x", { hostname, port: 1 }),
        () => socket.connect({ hostname, port: 1 }),
      ]
    ) assertEquals(assertThrows(call, DemikernelError).code, "EINVAL", hostname);
    await assertRejects(() => resolve(hostname, { resolver: unasked }), DemikernelError);
  }
});

netTest("a name with a port that is none is refused at once", (libos) => {
  using socket = datagram({ libos });
  for (const port of [-1, 65536, NaN, "1" as unknown as number]) {
    const options = { libos, hostname: "a.test", port, resolver: unasked };
    assertThrows(() => connect(options), DemikernelError, "port");
    assertThrows(() => socket.push("x", options), DemikernelError, "port");
  }
  return Promise.resolve();
});

netTest("listen() and datagram() refuse a name, and say what to do", (libos) => {
  for (const call of [listen, datagram]) {
    const { message } = assertThrows(
      () => call({ libos, hostname: "four.test", port: 0 }),
      DemikernelError,
    );
    assertStringIncludes(message, "resolve() gives them");
  }
  return Promise.resolve();
});

netTest("listen() takes brackets, and a name of this host", (libos) => {
  for (const [hostname, expected] of [["[::1]", "::1"], ["localhost", "127.0.0.1"]]) {
    using listener = listen({ libos, hostname: hostname!, port: 0 });
    using socket = datagram({ libos, hostname: hostname! });
    assertEquals([listener.addr.hostname, socket.addr.hostname], [expected!, expected!]);
  }
  return Promise.resolve();
});

Deno.test("resolve() gives the addresses of a host, those of IPv6 first", async () => {
  assertEquals(await resolve("both.test", { resolver }), ["::1", "127.0.0.1"]);
  assertEquals(await resolve("both.test", { resolver, family: 4 }), ["127.0.0.1"]);
  assertEquals(await resolve("four.test", { resolver }), ["127.0.0.1"]);
  assertEquals(await resolve("localhost", { resolver: unasked }), ["::1", "127.0.0.1"]);
  for (const literal of ["127.0.0.1", "::1", "fe80::1%eth0"]) {
    assertEquals(await resolve(literal, { resolver: unasked }), [literal]);
  }
  assertEquals(await resolve("[::1]", { resolver: unasked }), ["::1"]);
  await assertRejects(() => resolve("six.test", { resolver, family: 4 }), Deno.errors.NotFound);
  const family = 5 as 4;
  await assertRejects(() => resolve("six.test", { resolver, family }), DemikernelError);
});

Deno.test("isName() tells names from addresses", () => {
  for (const name of ["a", "web1", "1and1.test", "a1", "1a", "localhost", "x.y1", ""]) {
    assertEquals(isName(name), true, name);
  }
  for (const literal of ["127.0.0.1", "::1", "fe80::a", "fe80::1%eth0", "[::1]", "1"]) {
    assertEquals(isName(literal), false, literal);
  }
});

for (const hostname of ["0.0.0.0", "127.0.0.1", "::", "::1"]) {
  netTest(`Datagram reaches a name from ${hostname}`, async (libos) => {
    const peer = hostname.includes(":") ? "::1" : "127.0.0.1";
    using server = datagram({ libos, hostname: peer });
    using client = datagram({ libos, hostname, resolver });
    const address = { hostname: "both.test", port: server.addr.port };
    await client.push("bytes", address);
    assertEquals(text(await server.pop()), "bytes");
    const sga = libos.alloc(3);
    sga.bytes().set(new TextEncoder().encode("sga"));
    const pushing = client.push(sga, address);
    assertThrows(() => sga.bytes(), DemikernelError);
    await pushing;
    assertEquals(text(await server.pop()), "sga");
    await client.connect(address);
    const answer = await libos.spawn(function* () {
      yield* client.push("connected");
      yield* client.push("named", address);
      return text(yield* server.pop());
    }());
    assertEquals([answer, text(await server.pop())], ["connected", "named"]);
  });
}

netTest(
  "Datagram fails with NotFound when a name has no address that it can send to",
  async (libos) => {
    using client = datagram({ libos, hostname: "127.0.0.1", resolver });
    const address = { hostname: "six.test", port: 1 };
    await assertRejects(async () => await client.push("x", address), Deno.errors.NotFound);
    await assertRejects(async () => await client.connect(address), Deno.errors.NotFound);
  },
);

netTest("Datagram lets go of what waits for a name when it is closed", async (libos) => {
  const client = datagram({ libos, resolver: silent });
  const address = { hostname: "a.test", port: 1 };
  const pushing = client.push(libos.alloc(10), address);
  const connecting = client.connect(address);
  const coroutine = libos.spawn(function* () {
    yield* client.push("x", address);
  }());
  await libos.operations.sleep(1);
  client.close();
  for (const one of [pushing, connecting, coroutine]) {
    await assertRejects(async () => await one, Deno.errors.Interrupted);
  }
});

netTest("Datagram lets go of what waits for a name for too long", async (libos) => {
  using client = datagram({ libos, resolver: silent });
  const address = { hostname: "a.test", port: 1 };
  await assertRejects(
    async () => await client.push(libos.alloc(10), address, { timeout: 1 }),
    Deno.errors.TimedOut,
  );
});

netTest("a resolver that gives names in place of addresses is not asked again", async (libos) => {
  const naming: Resolver = (hostname) => Promise.resolve([hostname]);
  using socket = datagram({ libos, resolver: naming });
  const address = { libos, hostname: "a.test", port: 1, resolver: naming };
  for (
    const call of [
      () => connect(address),
      () => socket.push("x", address),
      () => socket.connect(address),
    ]
  ) {
    const { code } = await assertRejects(async () => void await call(), DemikernelError);
    assertEquals(code, "EINVAL");
  }
});
