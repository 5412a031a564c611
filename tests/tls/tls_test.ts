import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { spy, stub } from "@std/testing/mock";
import { DemikernelError, type LibOS, serve } from "../../mod.ts";
import {
  connectTls,
  serveTls,
  type ServeTlsOptions,
  type TlsConnection,
  type TlsHandler,
} from "../../libos/tls/mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { bytes, ECHOES, held, LOOPBACK, netTest, text } from "../net/_net.ts";
import { pause, within } from "../runtime/_assert.ts";
import { say } from "../node/_node.ts";
import { Certificates, type Issued } from "./_certificates.ts";

const NEEDS = missingProgram("openssl");

/** What a test of TLS has. */
interface World {
  readonly libos: LibOS;
  readonly certificates: Certificates;
  /** That of localhost. */
  readonly localhost: Issued;
}

function tlsTest(name: string, body: (world: World) => Promise<void>, debug = true): void {
  const { name: said, ignore } = needing(NEEDS, name);
  if (ignore) return Deno.test({ name: said, ignore, fn() {} });
  netTest(name, async (libos) => {
    await using certificates = await Certificates.make();
    await body({ libos, certificates, localhost: await certificates.issue("localhost") });
    // What was closed last still says so to its peer.
    const end = performance.now() + 1_500;
    while (libos.statistics().queues > 0 && performance.now() < end) await pause(1);
  }, { debug });
}

const echo = ECHOES.iterator as unknown as TlsHandler;

/** Serves with the certificate of localhost, and notes what goes wrong. */
function makeServer(
  { libos, localhost: { cert, key } }: World,
  handler: TlsHandler = echo,
  options: Partial<ServeTlsOptions> = {},
) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const server = serveTls({ libos, ...LOOPBACK, cert, key, onError, ...options }, handler);
  return { server, errors, port: server.addr.port };
}

/** Connects to a server as localhost. */
function connectTo({ libos, localhost }: World, port: number, options = {}) {
  return connectTls({ libos, hostname: "localhost", port, ca: localhost.cert, ...options });
}

for (const [kind, handler] of Object.entries(ECHOES)) {
  tlsTest(`serveTls() echoes with a handler of kind ${kind}, in any sizes`, async (world) => {
    const { server, errors, port } = makeServer(world, handler as unknown as TlsHandler);
    const connection = await connectTo(world, port);
    await connection.push(bytes("ping"));
    assertEquals(text(await connection.pop()), "ping");
    const large = new Uint8Array(3_000_000).map((_, i) => i * 7);
    const received = new Uint8Array(large.length);
    const receive = async () => {
      for (let length = 0; length < received.length;) {
        using sga = await connection.pop();
        received.set(sga!.toUint8Array(), length);
        length += sga!.length;
      }
    };
    await Promise.all([receive(), connection.push(large)]);
    assertEquals(received, large);
    connection.closeWrite();
    assertEquals([await connection.pop(), await connection.pop()], [null, null]);
    connection.close();
    await server.shutdown();
    assertEquals(errors, []);
  });
}

tlsTest("a TlsConnection is of the shape of a Connection", async (world) => {
  const { server, port } = makeServer(world);
  const connection = await connectTo(world, port);
  assertEquals([connection.open, connection.remoteAddr, connection.servername], [
    true,
    { hostname: "127.0.0.1", port },
    "localhost",
  ]);
  const { libos } = world;
  const sga = libos.alloc(6);
  sga.bytes().set(bytes("abcdef"));
  await connection.push(sga);
  // As with every push.
  assertThrows(() => sga.bytes(), DemikernelError);
  sga.free();
  assertEquals(text(await connection.pop({ size: 2 })), "ab");
  assertEquals(text(await connection.pop()), "cdef");
  await assertRejects(
    async () => await connection.pop({ timeout: 10 }),
    Deno.errors.TimedOut,
  );
  const signal = AbortSignal.timeout(10);
  await assertRejects(async () => await connection.pop({ signal }), DOMException);
  await connection.push(bytes("not lost"));
  assertEquals(text(await connection.pop()), "not lost");
  await connection.push(new Uint8Array());
  await connection.push("text, 文");
  assertEquals(text(await connection.pop()), "text, 文");
  connection.setNoDelay(false);
  connection.setKeepAlive();
  const pending = [connection.pop(), connection.pop()].map((one) => one.catch((error) => error));
  connection.close();
  for (const error of await Promise.all(pending)) {
    assertInstanceOf(error, Deno.errors.Interrupted);
  }
  for (const call of ["pop", "closeWrite", "close", "ref"] as const) {
    assertThrows(() => connection[call](), Deno.errors.BadResource);
  }
  assertThrows(() => connection.push(bytes("x")), Deno.errors.BadResource);
  connection[Symbol.dispose]();
  await server.shutdown();
});

tlsTest("several pops that wait get what arrives in order", async (world) => {
  const { server, port } = makeServer(world);
  const connection = await connectTo(world, port);
  const pops = Array.from({ length: 3 }, () => connection.pop({ size: 1 }));
  await connection.push(bytes("abc"));
  assertEquals((await Promise.all(pops)).map(text).join(""), "abc");
  connection.close();
  await server.shutdown();
});

tlsTest(
  "tryPush() says no when a client does not read, and what was taken arrives",
  async (world) => {
    let taken = 0;
    const { server, port } = makeServer(world, async (connection) => {
      const news = new Uint8Array(50_000);
      while (connection.tryPush(news)) taken += news.length;
      assert(connection.bufferedAmount > 0 && connection.bufferedAmount <= 65536);
      (await connection.pop())?.free();
    });
    const connection = await connectTo(world, port);
    let length = 0;
    while (taken === 0 || length < taken) {
      using sga = await connection.pop();
      length += sga!.length;
    }
    await connection.push("done");
    assertEquals(await connection.pop(), null);
    assertEquals(length, taken);
    connection.close();
    await server.shutdown();
  },
);

tlsTest("reset() resets the connection beneath", async (world) => {
  const { server, port, errors } = makeServer(world);
  const connection = await connectTo(world, port);
  connection.reset();
  assertEquals(connection.open, false);
  await server.shutdown();
  assertInstanceOf(errors[0], Deno.errors.ConnectionReset);
});

tlsTest("a push after closeWrite() fails with BrokenPipe", async (world) => {
  const { server, port } = makeServer(world);
  const connection = await connectTo(world, port);
  connection.closeWrite();
  await assertRejects(async () => await connection.push(bytes("x")), Deno.errors.BrokenPipe);
  connection.close();
  await server.shutdown();
});

tlsTest("a handler that returns has sent all, and told that it was all", async (world) => {
  const { server, port, errors } = makeServer(world, async (connection) => {
    await connection.push(new Uint8Array(2_000_000).fill(120));
  });
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const { code, stdout, stderr } = await say("openssl", [
      ...["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost", version],
      ...["-CAfile", world.localhost.certPath, "-connect", `127.0.0.1:${port}`],
    ]);
    assertEquals([code, stdout.length], [0, 2_000_000], stderr);
    assert(!stderr.includes("unexpected eof"), stderr);
  }
  await server.shutdown();
  assertEquals(errors, []);
});

tlsTest("both sides agree on a protocol by ALPN, or not to talk", async (world) => {
  const agreed: (string | null)[] = [];
  const { server, port, errors } = makeServer(world, (connection) => {
    agreed.push(connection.alpnProtocol);
  }, { alpnProtocols: ["h2", "http/1.1"] });
  for (const alpnProtocols of [["http/1.1", "h2"], ["x", "http/1.1"], undefined]) {
    using connection = await connectTo(world, port, alpnProtocols && { alpnProtocols });
    assertEquals(await connection.pop(), null);
    agreed.push(connection.alpnProtocol);
  }
  assertEquals(agreed, ["h2", "h2", "http/1.1", "http/1.1", null, null]);
  const error = await assertRejects(() => connectTo(world, port, { alpnProtocols: ["x"] }));
  assertMatch(String(error), /TLS|handshake/);
  await server.shutdown();
  assertMatch(String(errors), /ERR_SSL_NO_APPLICATION_PROTOCOL/);
});

tlsTest(
  "keyPair gives each host its certificate, and another one when it changes",
  async (world) => {
    const { certificates, localhost } = world;
    const hosts = new Map([["localhost", localhost], [
      "b.test",
      await certificates.issue("b.test"),
    ]]);
    const { cert: _cert, key: _key, ...options } = {
      ...LOOPBACK,
      libos: world.libos,
      cert: "",
      key: "",
    };
    const errors: unknown[] = [];
    await using server = serveTls({
      ...options,
      keyPair(name) {
        const pair = hosts.get(name ?? "localhost");
        if (pair === undefined) throw new Error(`no certificate for ${name}`);
        return pair;
      },
      onError: (error) => void errors.push(error),
    }, echo);
    const { port } = server.addr;
    const subject = async (servername: string, ca: string) => {
      using connection = await connectTls({ libos: world.libos, port, servername, ca });
      return connection.peerCertificate!.subject;
    };
    assertEquals(await subject("localhost", localhost.cert), "CN=localhost");
    assertEquals(await subject("127.0.0.1", localhost.cert), "CN=localhost");
    assertEquals(await subject("b.test", hosts.get("b.test")!.cert), "CN=b.test");
    const renewed = await certificates.issue("localhost");
    using before = await connectTls({ libos: world.libos, port, ca: localhost.cert });
    hosts.set("localhost", renewed);
    assertEquals(await subject("localhost", renewed.cert), "CN=localhost");
    await assertRejects(() => subject("localhost", localhost.cert), Deno.errors.InvalidData);
    await before.push(bytes("still here"));
    assertEquals(text(await before.pop()), "still here");
    await assertRejects(() => subject("c.test", localhost.cert));
    assertMatch(String(errors), /no certificate for c\.test/);
  },
);

tlsTest("clientCa lets in whom it knows, and nobody else", async (world) => {
  const known = await world.certificates.issue("known");
  const stranger = await world.certificates.issue("stranger");
  const { server, port, errors } = makeServer(world, async (connection) => {
    await connection.push(bytes(connection.peerCertificate!.subject));
  }, { clientCa: known.cert });
  const greet = async (pair: Partial<Issued>) => {
    using connection = await connectTo(world, port, pair);
    return text(await connection.pop());
  };
  assertEquals(await greet({ cert: known.cert, key: known.key }), "CN=known");
  for (const one of [{}, { cert: stranger.cert, key: stranger.key }]) {
    const answer = await greet(one).catch(String);
    assert(
      answer === null || /^(UnexpectedEof|ConnectionReset|InvalidData)/.test(answer),
      `${answer}`,
    );
  }
  await server.shutdown();
  assertEquals(errors.length, 2);
  for (const error of errors) assertInstanceOf(error, Deno.errors.InvalidData);
});

tlsTest("connectTls() refuses a server that is not who it should be", async (world) => {
  const { server, port } = makeServer(world);
  const other = await world.certificates.issue("localhost.other");
  const refused = [
    [{ ca: undefined }, "self-signed certificate"],
    [{ ca: other.cert }, "self-signed certificate"],
    [{ servername: "example.com" }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const;
  for (const [{ ...options }, why] of refused) {
    const { libos, localhost } = world;
    const { ca = localhost.cert } = options as { ca?: string };
    const trusted = "ca" in options && options.ca === undefined ? {} : { ca };
    const { servername = "localhost" } = options as { servername?: string };
    const error = await assertRejects(
      () => connectTls({ libos, port, servername, ...trusted }),
      Deno.errors.InvalidData,
    );
    assertStringIncludes(error.message, why);
  }
  await server.shutdown();
});

tlsTest("connectTls() says what is wrong where nobody speaks TLS, or nobody is", async (world) => {
  const { libos } = world;
  const handlers = {
    InvalidData: async (connection: TlsConnection) => {
      await connection.push(bytes("220 plain text, and more of it\r\n"));
      (await connection.pop())?.free();
    },
    UnexpectedEof: async (connection: TlsConnection) => (await connection.pop())?.free(),
    TimedOut: async (connection: TlsConnection) => {
      for await (const sga of connection) sga.free();
    },
  };
  for (const [name, handler] of Object.entries(handlers)) {
    await using server = serve({ libos, ...LOOPBACK }, handler as never);
    const error = await assertRejects(() =>
      within(connectTo(world, server.addr.port, { handshakeTimeout: 50 }))
    );
    assertEquals(error.name, name, String(error));
  }
  await assertRejects(() => connectTo(world, 1), Deno.errors.ConnectionRefused);
});

/** What clients do who have no business here, and what the server is told. */
const STRANGERS: Record<string, [Uint8Array<ArrayBuffer>, boolean, RegExp]> = {
  "talks plain text": [bytes("GET / HTTP/1.1\r\n\r\n"), false, /InvalidData.*WRONG_VERSION/],
  "sends noise": [new Uint8Array(500).fill(0x80), false, /InvalidData/],
  "stops in mid handshake": [new Uint8Array([22, 3, 1, 1, 0, 1]), true, /TimedOut/],
  "leaves in mid handshake": [new Uint8Array([22, 3, 1, 1, 0, 1]), false, /UnexpectedEof/],
  "says nothing": [new Uint8Array(), true, /TimedOut/],
};

tlsTest(
  "clients that cannot do the handshake end in a clear error, and others feel nothing",
  async (world) => {
    const { server, port, errors } = makeServer(world, echo, { handshakeTimeout: 300 });
    using other = await connectTo(world, port);
    await pause(5);
    const before = held(world.libos);
    for (const [what, [sent, stays, told]] of Object.entries(STRANGERS)) {
      const stranger = await Deno.connect({ hostname: "127.0.0.1", port });
      if (sent.length > 0) await stranger.write(sent);
      if (stays) {
        const left = await within(stranger.read(new Uint8Array(100)).catch(() => null), 5);
        assertEquals(left, null, what);
      } else {
        await pause(5);
      }
      stranger.close();
      while (errors.length === 0) await pause(1);
      assertMatch(String(errors.splice(0)), told, what);
      await other.push(bytes(what));
      assertEquals(text(await other.pop()), what);
      assertEquals(held(world.libos), before, what);
    }
    other.close();
    await server.shutdown();
    assertEquals(errors, []);
  },
);

tlsTest(
  "what a handshake fails with is printed in one line, unless a client only left",
  async (world) => {
    const { libos, localhost: { cert, key } } = world;
    const lines: string[] = [];
    using _ = stub(console, "error", (...args: unknown[]) => void lines.push(args.join(" ")));
    await using server = serveTls({ libos, ...LOOPBACK, cert, key }, echo);
    for (const [what, [sent]] of Object.entries(STRANGERS)) {
      const stranger = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      if (sent.length > 0) await stranger.write(sent);
      const told = /plain text|noise/.test(what) ? 1 : 0;
      while (lines.length < told) await pause(1);
      await pause(10);
      stranger.close();
      await pause(5);
      while (server.connections > 0) await pause(1);
      const printed = lines.splice(0);
      assertEquals(printed.length, told, `${what}: ${printed}`);
      for (const line of printed) assertMatch(line, /^InvalidData: TLS: [^\n]+$/);
    }
  },
);

tlsTest("an abort ends all connections, in mid handshake too", async (world) => {
  const abort = new AbortController();
  const { server, port, errors } = makeServer(world, echo, { signal: abort.signal });
  using client = await connectTo(world, port);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port });
  while (server.connections < 2) await pause(1);
  abort.abort();
  await within(server.finished);
  assertEquals(await silent.read(new Uint8Array(1)).catch(() => null), null);
  assertEquals(await within(client.pop().catch(() => null)), null);
  assertEquals(errors, []);
});

tlsTest("a handler's error closes its connection, and is told", async (world) => {
  const failure = new Error("by the handler");
  const { server, port, errors } = makeServer(world, () => Promise.reject(failure));
  using client = await connectTo(world, port);
  assertEquals(await within(client.pop()), null);
  await server.shutdown();
  assertEquals(errors, [failure]);
});

tlsTest("a reader that stops is felt through TLS, in bounded memory", async (world) => {
  let pushed = 0;
  const { server, port, errors } = makeServer(world, async (connection) => {
    const piece = new Uint8Array(1_000_000);
    for (; pushed < 60; pushed++) await connection.push(piece);
  });
  const connection = await connectTo(world, port);
  (await connection.pop())!.free();
  let before = -1;
  while (pushed !== before) {
    before = pushed;
    await pause(150);
  }
  const { heapBytes } = world.libos.statistics();
  assert(heapBytes < 16 * 2 ** 20, `${heapBytes} bytes`);
  assertEquals([server.connections, errors], [1, []]);
  assert(pushed < 30, `${pushed} MB were taken`);
  let length = 0;
  for await (using sga of connection) length += sga.length;
  assert(length > 59_000_000, `${length} bytes`);
  connection.close();
  await server.shutdown();
}, false);

tlsTest("100 connections that come and go leave nothing", async (world) => {
  const { server, port, errors } = makeServer(world);
  const before = held(world.libos);
  for (let i = 0; i < 100; i++) {
    const connection = await connectTo(world, port);
    if (i % 2 === 0) {
      await connection.push(bytes("x"));
      (await connection.pop())!.free();
    }
    connection.close();
  }
  while (server.connections > 0) await pause(5);
  assertEquals(held(world.libos), before);
  assertEquals(errors, []);
  await server.shutdown();
});

tlsTest("serveTls() refuses what is no certificate, before it listens", async (world) => {
  const { libos, localhost: { cert, key } } = world;
  const other = await world.certificates.issue("other");
  const listening = spy(() => {});
  const wrong = [
    [{}, /cert/],
    [{ cert: "x", key }, /cert/],
    [{ cert }, /key/],
    [{ cert, key: 7 }, /key/],
    [{ cert, key: other.key }, /key is not that of cert/],
    [
      { cert: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", key },
      /cannot be read/,
    ],
    [{ keyPair: { cert, key } }, /keyPair must be a function/],
    [{ cert, key, alpnProtocols: "h2" }, /alpnProtocols/],
    [{ cert, key, handshakeTimeout: -1 }, /-1/],
  ] as const;
  for (const [options, told] of wrong) {
    const all = { libos, ...LOOPBACK, onListen: listening, ...options } as never;
    const error = assertThrows(() => serveTls(all, echo), DemikernelError);
    assertMatch(error.message, told);
    assert(!error.message.includes("PRIVATE"), "a key was shown");
  }
  assertThrows(
    () => serveTls({ libos, ...LOOPBACK, cert, key }, null as never),
    DemikernelError,
    "handler",
  );
  assertEquals(listening.calls.length, 0);
  await Promise.resolve();
});
