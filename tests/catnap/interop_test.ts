/**
 * catnap against other people's sockets: Deno's own, and those of nc and socat.
 *
 * @module
 */

import "../_preload.ts";
import { assertEquals } from "@std/assert";
import { missingProgram, needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";
import { freeAddress, pattern, withCatnap } from "./_catnap.ts";
import { runProgram } from "./_child.ts";
import type {
  Coroutine,
  InetAddress,
  LibOS,
  QueueDescriptor,
  UnixAddress,
} from "../../libos/pdpix.ts";

/** Large enough to be cut into many pieces on the way. */
const PAYLOAD = pattern(3_000_001);

/** Gives back what comes, until it ends. */
function* echo(libos: LibOS, qd: QueueDescriptor): Coroutine {
  for (;;) {
    const sga = yield* libos.operations.pop(qd);
    if (sga === null) break;
    yield* libos.operations.push(qd, sga);
  }
  libos.close(qd);
}

/** Accepts so many connections, and echoes on each; gives what tells of their ends. */
function* serve(
  libos: LibOS,
  listener: QueueDescriptor,
  connections = 1,
): Coroutine<Promise<void>[]> {
  const echoes: Promise<void>[] = [];
  for (let i = 0; i < connections; i++) {
    const qd = yield* libos.operations.accept(listener);
    echoes.push(libos.spawn(echo(libos, qd)));
  }
  return echoes;
}

/** Makes a listener in the domain of an address. */
function listen(libos: LibOS, address: InetAddress | UnixAddress): QueueDescriptor {
  const domain = "path" in address ? "unix" : address.hostname.includes(":") ? "inet6" : "inet";
  const qd = libos.socket(domain, "stream");
  libos.bind(qd, address);
  libos.listen(qd);
  return qd;
}

/** Writes all of it, and reads until the end, on one of Deno's connections. */
async function exchange(connection: Deno.Conn): Promise<Uint8Array> {
  const sending = (async () => {
    for (let at = 0; at < PAYLOAD.length;) at += await connection.write(PAYLOAD.subarray(at));
    await connection.closeWrite();
  })();
  const got = new Uint8Array(PAYLOAD.length + 1);
  let length = 0;
  for (;;) {
    const read = await connection.read(got.subarray(length));
    if (read === null) break;
    length += read;
  }
  await sending;
  connection.close();
  return got.subarray(0, length);
}

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const domain of ["inet", "inet6"] as const) {
  Deno.test(`Deno.connect() talks to a catnap server (${domain})`, () =>
    withCatnap(async (libos) => {
      const listener = listen(libos, freeAddress(domain) as InetAddress);
      const serving = libos.spawn(serve(libos, listener));
      const { hostname, port } = libos.getsockname(listener) as InetAddress;
      assertEquals(await within(exchange(await Deno.connect({ hostname, port })), 10), PAYLOAD);
      await serving;
    }));

  Deno.test(`catnap talks to a server of Deno.listen() (${domain})`, () =>
    withCatnap(async (libos) => {
      const { hostname } = freeAddress(domain) as InetAddress;
      using server = Deno.listen({ hostname, port: 0 });
      const serving = (async () => {
        const connection = await server.accept();
        assertEquals(await exchange(connection), PAYLOAD);
      })();
      const qd = libos.socket(domain, "stream");
      const { port } = server.addr as Deno.NetAddr;
      await libos.operations.connect(qd, { hostname, port });
      await within(libos.spawn(echoAndShut(libos, qd)), 10);
      await serving;
    }));
}

/** As {@linkcode echo}, but ends its side before it closes, so that nothing is reset. */
function* echoAndShut(libos: LibOS, qd: QueueDescriptor): Coroutine {
  for (;;) {
    const sga = yield* libos.operations.pop(qd);
    if (sga === null) break;
    yield* libos.operations.push(qd, sga);
  }
  libos.shutdown(qd, "write");
}

Deno.test("Deno.connect() talks to a catnap server (unix)", () =>
  withDirectory((directory) =>
    withCatnap(async (libos) => {
      const path = `${directory}/socket`;
      const serving = libos.spawn(serve(libos, listen(libos, { path })));
      assertEquals(
        await within(exchange(await Deno.connect({ transport: "unix", path }))),
        PAYLOAD,
      );
      await serving;
    })
  ));

Deno.test("catnap talks to a server of Deno.listen() (unix)", () =>
  withDirectory((directory) =>
    withCatnap(async (libos) => {
      const path = `${directory}/socket`;
      using server = Deno.listen({ transport: "unix", path });
      const serving = (async () => assertEquals(await exchange(await server.accept()), PAYLOAD))();
      const qd = libos.socket("unix", "stream");
      await libos.operations.connect(qd, { path });
      await within(libos.spawn(echoAndShut(libos, qd)));
      await serving;
    })
  ));

Deno.test("Deno.listenDatagram() and catnap send each other datagrams", async () => {
  const program = `
    const libos = open("catnap");
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const qd = libos.socket("inet", "dgram");
    libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
    const { hostname, port } = libos.getsockname(qd);
    for (const size of [0, 1, 1472, 20_000]) {
      const pop = Promise.resolve(libos.operations.pop(qd));
      const content = new Uint8Array(size).map((_, i) => i % 251);
      await socket.send(content, { transport: "udp", hostname, port });
      const sga = await pop;
      const same = sga.toUint8Array().every((byte, i) => byte === content[i]);
      console.log(sga.length, same, sga.address.port === socket.addr.port);
      await libos.operations.pushTo(qd, sga, sga.address);
      const [bytes, from] = await socket.receive(new Uint8Array(65536));
      console.log(bytes.length, bytes.every((byte, i) => byte === content[i]), from.port === port);
    }
    socket.close();
    await libos.exit();
  `;
  const said = await runProgram(program, { flags: ["--allow-all", "--unstable-net"] });
  const expected = [0, 1, 1472, 20_000].map((size) => `${size} true true`);
  assertEquals(said, expected.flatMap((line) => [line, line]));
});

Deno.test("a reset by Deno's peer is told to both", () =>
  withCatnap(async (libos) => {
    const listener = listen(libos, freeAddress("inet") as InetAddress);
    const { hostname, port } = libos.getsockname(listener) as InetAddress;
    const accepted = Promise.resolve(libos.operations.accept(listener));
    using connection = await Deno.connect({ hostname, port });
    const qd = await accepted;
    libos.setsockopt(qd, "linger", 0);
    libos.close(qd);
    const error = await within(connection.read(new Uint8Array(1)).catch((error) => error));
    assertEquals(error instanceof Deno.errors.ConnectionReset, true);
  }));

/** Runs a tool with an input; gives what it said. */
async function run(tool: string, args: string[], input: Uint8Array): Promise<Uint8Array> {
  const child = new Deno.Command(tool, {
    args,
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(10_000),
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const { code, stdout } = await output;
  assertEquals(code, 0);
  return stdout;
}

/** Each of them: what it is called with to send its input and show what comes back, until that ends. */
const CLIENTS: readonly {
  tool: "nc" | "socat";
  domain: "inet" | "inet6" | "unix";
  args: (address: InetAddress & UnixAddress) => string[];
}[] = [
  { tool: "nc", domain: "inet", args: ({ hostname, port }) => ["-N", hostname, `${port}`] },
  { tool: "nc", domain: "inet6", args: ({ hostname, port }) => ["-N", hostname, `${port}`] },
  { tool: "nc", domain: "unix", args: ({ path }) => ["-N", "-U", path] },
  {
    tool: "socat",
    domain: "inet",
    args: ({ hostname, port }) => ["-t10", "-", `TCP4:${hostname}:${port}`],
  },
  {
    tool: "socat",
    domain: "inet6",
    args: ({ hostname, port }) => ["-t10", "-", `TCP6:[${hostname}]:${port}`],
  },
  { tool: "socat", domain: "unix", args: ({ path }) => ["-t10", "-", `UNIX-CONNECT:${path}`] },
];

for (const { tool, domain, args } of CLIENTS) {
  Deno.test({
    ...needing(
      missingProgram(tool),
      `${tool} gets back from a catnap server what it sent (${domain})`,
    ),
    fn: () =>
      withDirectory((directory) =>
        withCatnap(async (libos) => {
          const path = `${directory}/socket`;
          const listener = listen(
            libos,
            domain === "unix" ? { path } : freeAddress(domain) as InetAddress,
          );
          const serving = libos.spawn(serve(libos, listener));
          const address = libos.getsockname(listener) as InetAddress & UnixAddress;
          assertEquals(await run(tool, args(address), PAYLOAD), PAYLOAD);
          await serving;
        })
      ),
  });
}

const missingSocat = missingProgram("socat");

Deno.test({
  ...needing(missingSocat, "socat and catnap exchange records over seqpacket"),
  fn: () =>
    withDirectory((directory) =>
      withCatnap(async (libos) => {
        const path = `${directory}/socket`;
        const listener = libos.socket("unix", "seqpacket");
        libos.bind(listener, { path });
        libos.listen(listener);
        const serving = libos.spawn(serve(libos, listener));
        const input = pattern(5000);
        assertEquals(
          await run("socat", ["-t10", "-", `UNIX-CONNECT:${path},type=5`], input),
          input,
        );
        await serving;
      })
    ),
});

Deno.test({
  ...needing(missingSocat, "socat gets its datagram back"),
  fn: () =>
    withCatnap(async (libos) => {
      const qd = libos.socket("inet", "dgram");
      libos.bind(qd, freeAddress("inet"));
      const { hostname, port } = libos.getsockname(qd) as InetAddress;
      const answering = libos.spawn(function* (): Coroutine {
        const sga = (yield* libos.operations.pop(qd))!;
        yield* libos.operations.pushTo(qd, sga, sga.address!);
      }());
      const input = pattern(1000);
      assertEquals(await run("socat", ["-t0.5", "-", `UDP4:${hostname}:${port}`], input), input);
      await answering;
    }),
});

Deno.test("1 000 connections at once are all served", () =>
  withCatnap(async (libos) => {
    const count = 1000;
    const listener = listen(libos, freeAddress("inet") as InetAddress);
    const serving = libos.spawn(serve(libos, listener, count));
    const { hostname, port } = libos.getsockname(listener) as InetAddress;
    const address = { hostname, port };
    const connections = await Promise.all(
      Array.from({ length: count }, () => Deno.connect(address)),
    );
    const echoes = await serving;
    assertEquals(libos.statistics().queues, count + 1);
    const encoder = new TextEncoder();
    for (let round = 0; round < 3; round++) {
      await Promise.all(connections.map(async (connection, i) => {
        const text = `round ${round} of ${i}`;
        await connection.write(encoder.encode(text));
        const got = new Uint8Array(64);
        const read = await connection.read(got);
        assertEquals(new TextDecoder().decode(got.subarray(0, read!)), text);
      }));
    }
    for (const connection of connections) connection.close();
    await within(Promise.all(echoes), 10);
    const { queues, pending } = libos.statistics();
    assertEquals({ queues, pending }, { queues: 1, pending: 0 });
  }));
