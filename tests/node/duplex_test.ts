import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { connect, type Connection, DemikernelError, type LibOS, listen, open } from "../../mod.ts";
import { ConnectionDuplex, createConnection, type NodeError } from "../../libos/node/mod.ts";
import { bytes, countToEnd, held, LOOPBACK, makePair, netTest } from "../net/_net.ts";
import { pause, within } from "../runtime/_assert.ts";
import { Attached, event } from "./_node.ts";

/** A stream, and the plain connection at its other end. */
async function makeDuplex(
  libos: LibOS,
  options = {},
): Promise<[ConnectionDuplex, Connection]> {
  const [client, server] = await makePair(libos);
  return [new ConnectionDuplex(client, options), server];
}

netTest("a ConnectionDuplex has the addresses, and says what it is doing", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const socket = createConnection({ libos, port: listener.addr.port });
  const states = [[socket.readyState, socket.connecting, socket.pending, socket.remoteAddress]];
  const connected = event(socket, "connect");
  const ready = event(socket, "ready");
  using server = await listener.accept();
  await Promise.all([connected, ready]);
  states.push([socket.readyState, socket.connecting, socket.pending, socket.remoteAddress]);
  const { port } = listener.addr;
  assertEquals([socket.remotePort, socket.remoteFamily], [port, "IPv4"]);
  assertEquals(socket.address(), {
    address: socket.localAddress!,
    family: "IPv4",
    port: socket.localPort!,
  });
  assertEquals(server.remoteAddr, { hostname: "127.0.0.1", port: socket.localPort! });
  socket.end();
  await event(socket, "finish");
  states.push([socket.readyState, socket.connecting, socket.pending, socket.remoteAddress]);
  server.close();
  socket.resume();
  await event(socket, "close");
  states.push([socket.readyState, socket.connecting, socket.pending, socket.remoteAddress]);
  assertEquals(states, [
    ["opening", true, true, undefined],
    ["open", false, false, "127.0.0.1"],
    ["readOnly", false, false, "127.0.0.1"],
    ["closed", false, true, "127.0.0.1"],
  ]);
});

netTest("a ConnectionDuplex counts bytes, those that wait too", async (libos) => {
  const [socket, peer] = await makeDuplex(libos, { allowHalfOpen: true });
  socket.cork();
  socket.write("abc");
  socket.write(Buffer.alloc(1_000_000));
  assertEquals(socket.bytesWritten, 1_000_003);
  socket.uncork();
  socket.end();
  assertEquals(await countToEnd(peer), 1_000_003);
  assertEquals(socket.bytesWritten, 1_000_003);
  await peer.push(bytes("four"));
  peer.close();
  assertEquals(await text(socket), "four");
  assertEquals(socket.bytesRead, 4);
});

netTest("what is written while a ConnectionDuplex connects is sent in order", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const socket = createConnection({ libos, port: listener.addr.port });
  socket.setNoDelay().setKeepAlive(true, 5_000).ref();
  socket.write("a");
  socket.end("b");
  using server = await listener.accept();
  let received = "";
  for await (using sga of server) received += new TextDecoder().decode(sga.bytes());
  assertEquals(received, "ab");
  assertEquals(libos.getsockopt(server.qd, "nodelay"), true);
  socket.destroy();
});

netTest("a ConnectionDuplex sets the options of its socket", async (libos) => {
  const [client, peer] = await makePair(libos);
  const socket = new ConnectionDuplex(client);
  socket.setNoDelay(false).setKeepAlive(true, 7_000);
  assertEquals(libos.getsockopt(client.qd, "nodelay"), false);
  assertEquals(libos.getsockopt(client.qd, "keepalive"), true);
  socket.setKeepAlive(false).setNoDelay();
  assertEquals(libos.getsockopt(client.qd, "nodelay"), true);
  assertEquals(libos.getsockopt(client.qd, "keepalive"), false);
  await event(socket.destroy(), "close");
  assertEquals(socket.setNoDelay(), socket);
  peer.close();
});

netTest("a ConnectionDuplex emits Node's errors", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  socket.resume();
  libos.setsockopt(peer.qd, "linger", 0);
  peer.close();
  const error = await event<NodeError>(socket, "error");
  assertEquals([error.message, error.code, error.errno, error.syscall], [
    "read ECONNRESET",
    "ECONNRESET",
    -104,
    "read",
  ]);
  assertInstanceOf(error.cause, Deno.errors.ConnectionReset);
  assert(socket.destroyed);
});

netTest("a ConnectionDuplex that cannot connect says where to", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  listener.close();
  const socket = createConnection({ libos, host: "127.0.0.1", port });
  const closed = event(socket, "close");
  const { message, code, syscall, address, port: told } = await event<NodeError>(socket, "error");
  assertEquals([message, code, syscall, address, told], [
    `connect ECONNREFUSED 127.0.0.1:${port}`,
    "ECONNREFUSED",
    "connect",
    "127.0.0.1",
    port,
  ]);
  await closed;
  const path = await Deno.makeTempDir();
  const unix = createConnection({ libos, path: `${path}/none` });
  const { code: missing, address: where } = await event<NodeError>(unix, "error");
  assertEquals([missing, where], ["ENOENT", `${path}/none`]);
  await Deno.remove(path);
});

netTest("destroy() gives up a connect that is under way, without an error", async (libos) => {
  // A full backlog answers nobody.
  using listener = listen({ libos, ...LOOPBACK, backlog: 1 });
  const { port } = listener.addr;
  const sockets = Array.from({ length: 8 }, () => createConnection({ libos, port }));
  await pause(50);
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map((socket) => socket.closed || event(socket, "close")));
});

netTest("a ConnectionDuplex refuses what is no address, and no timeout", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  assertThrows(() => socket.setTimeout(-1), DemikernelError, "-1");
  const { code } = await event<NodeError>(createConnection({ libos, port: "x" }), "error");
  assertEquals(code, "EINVAL");
  socket.destroy();
  peer.close();
});

netTest("a ConnectionDuplex emits timeout when nothing moves, and only then", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  let timeouts = 0;
  socket.setTimeout(500, () => timeouts++);
  socket.resume();
  for (let i = 0; i < 6; i++) {
    await pause(100);
    await (i % 2 === 0
      ? peer.push(bytes("x"))
      : new Promise((resolve) => socket.write("y", resolve)));
  }
  assertEquals([timeouts, socket.timeout], [0, 500]);
  await event(socket, "timeout");
  assertEquals(timeouts, 1);
  socket.setTimeout(0);
  assertEquals(socket.timeout, undefined);
  await pause(600);
  assertEquals(timeouts, 1);
  assert(!socket.destroyed);
  socket.destroy();
  peer.close();
});

netTest("a ConnectionDuplex ends with its peer, unless it may be half open", async (libos) => {
  for (const allowHalfOpen of [false, true]) {
    const [socket, peer] = await makeDuplex(libos, { allowHalfOpen });
    peer.closeWrite();
    await event(socket.resume(), "end");
    if (allowHalfOpen) {
      assertEquals(socket.readyState, "writeOnly");
      socket.end("still here");
    }
    assertEquals(await countToEnd(peer), allowHalfOpen ? 10 : 0);
    peer.close();
    if (!socket.closed) await event(socket, "close");
  }
});

netTest("end() closes one direction; what comes then is still read", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  socket.end("question");
  assertEquals(await countToEnd(peer), 8);
  await peer.push(bytes("answer"));
  peer.close();
  assertEquals(await text(socket), "answer");
});

netTest("destroySoon() sends what was written, and closes", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  socket.write(Buffer.alloc(3_000_000));
  socket.destroySoon();
  assertEquals(await countToEnd(peer), 3_000_000);
  if (!socket.closed) await event(socket, "close");
  peer.close();
});

netTest("resetAndDestroy() resets the connection", async (libos) => {
  const [socket, peer] = await makeDuplex(libos);
  socket.resetAndDestroy();
  const error = await within(Promise.resolve(peer.pop()).then(() => null, (e) => e));
  assertInstanceOf(error, Deno.errors.ConnectionReset);
  peer.close();
});

netTest(
  "a ConnectionDuplex closes quietly when its connection is closed under it",
  async (libos) => {
    const [client, peer] = await makePair(libos);
    const socket = new ConnectionDuplex(client);
    socket.resume();
    const closed = event(socket, "close");
    await pause(5);
    client.close();
    await within(closed);
    peer.close();
  },
);

netTest("a reader that stops is felt by the writer, in bounded memory", async (libos) => {
  const [source, sink] = await makePair(libos);
  const from = new ConnectionDuplex(source);
  const to = new ConnectionDuplex(sink);
  let produced = 0;
  const piece = Buffer.alloc(65_536, 7);
  const total = 1_600;
  const producing = pipeline(
    Readable.from((function* () {
      for (; produced < total; produced++) yield piece;
    })()),
    from,
  );
  // It reads nothing at first.
  let before = -1;
  while (produced !== before) {
    before = produced;
    await pause(100);
  }
  assert(produced > 0 && produced < total / 2, `${produced} pieces were taken`);
  assert(libos.statistics().heapBytes < 16 * 2 ** 20, String(libos.statistics().heapBytes));
  let received = 0;
  await pipeline(
    to,
    new Writable({
      write(chunk, _encoding, callback) {
        received += chunk.length;
        callback();
      },
    }),
    { end: true },
  );
  await producing;
  assertEquals(received, total * piece.length);
  assert(libos.statistics().heapBytes < 16 * 2 ** 20, String(libos.statistics().heapBytes));
  from.destroy();
  to.destroy();
}, { debug: false });

netTest("1 000 connections that come and go leave nothing", async (libos) => {
  await using echo = new Attached(libos, createServer((socket) => socket.pipe(socket)));
  const before = held(libos);
  for (let i = 0; i < 1_000; i++) {
    const socket = createConnection({ libos, port: echo.port });
    if (i % 3 === 2) {
      await event(socket, "connect");
      socket.destroy();
    } else {
      socket.end(`${i}`);
      assertEquals(await text(socket), `${i}`);
    }
  }
  const count = () => new Promise((resolve) => echo.server.getConnections((_, n) => resolve(n)));
  while (await count() !== 0) await pause(5);
  assertEquals(held(libos), before);
});

Deno.test("a ConnectionDuplex that was unreferenced lets the process end", async () => {
  const module = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);
  const code = `import { connect, listen, open } from ${module("mod.ts")};
    import { ConnectionDuplex } from ${module("libos/node/mod.ts")};
    const libos = open("catnap");
    const listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
    const connection = await connect({ libos, port: listener.addr.port });
    new ConnectionDuplex(connection).unref().resume();
    console.log("done");`;
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(
    [output.code, decoder.decode(output.stdout), decoder.decode(output.stderr)],
    [0, "done\n", ""],
  );
});

Deno.test("a server of Node ends when its libOS is closed, and so do sockets that do not read", async () => {
  const libos = open("catnap");
  const { server, port } = new Attached(libos, createServer());
  const accepted = event<ConnectionDuplex>(server, "connection");
  const client = await connect({ libos, port });
  const socket = await accepted;
  const closed = [event(socket, "close"), event(server, "close")];
  await libos.exit();
  await within(Promise.all(closed));
  assertEquals([client.libos, server.listening, server.address()], [libos, false, null]);
});
