import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Datagram, datagram, DemikernelError } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, held, netTest, text } from "./_net.ts";

for (const hostname of ["127.0.0.1", "::1", "localhost"]) {
  netTest(`datagram() exchanges datagrams when the hostname is ${hostname}`, async (libos) => {
    using one = datagram({ libos, hostname });
    using two = datagram({ libos, hostname });
    await one.push(bytes("ping"), two.addr);
    const request = await two.pop();
    const { hostname: from, port } = request.address!;
    assertEquals({ hostname: from, port }, one.addr);
    await two.push(request, request.address);
    assertEquals(text(await one.pop()), "ping");
  });
}

netTest("Datagram.pop() tells of a datagram that was longer than asked for", async (libos) => {
  using socket = datagram({ libos });
  await socket.push(bytes("hello"), socket.addr);
  await socket.push(bytes("you"), socket.addr);
  const first = await socket.pop({ size: 4 });
  const second = await socket.pop({ size: 4 });
  assertEquals([first.truncated, second.truncated], [true, false]);
  assertEquals([text(first), text(second)], ["hell", "you"]);
});

netTest("Datagram takes an empty datagram, and sends it back", async (libos) => {
  const peer = createSocket("udp4");
  const received = once(peer, "message");
  using socket = datagram({ libos });
  peer.send(new Uint8Array(0), socket.addr.port, socket.addr.hostname);
  const empty = await socket.pop();
  assertEquals(empty.length, 0);
  await socket.push(empty, empty.address);
  assertEquals((await within(received))[0].length, 0);
  peer.close();
});

netTest("Datagram.connect() fixes the peer", async (libos) => {
  using one = datagram({ libos });
  using two = datagram({ libos });
  using stranger = datagram({ libos });
  await one.connect(two.addr);
  await stranger.push(bytes("strange"), one.addr);
  await one.push(bytes("to the peer"));
  await two.push(await two.pop(), one.addr);
  assertEquals(text(await one.pop()), "to the peer");
});

netTest(
  "Datagram.push() without an address throws, and holds nothing, when there is no peer",
  (libos) => {
    using socket = datagram({ libos });
    const before = held(libos);
    const { code } = assertThrows(() => socket.push(bytes("x")), DemikernelError);
    assertEquals(code, "EDESTADDRREQ");
    assertEquals(held(libos), before);
    return Promise.resolve();
  },
);

netTest("Datagram.push() fails alone when the datagram is too long", async (libos) => {
  using socket = datagram({ libos });
  const error = await assertRejects(
    async () => await socket.push(new Uint8Array(65536), socket.addr),
    DemikernelError,
  );
  assertEquals(error.code, "EMSGSIZE");
  await socket.push(bytes("short"), socket.addr);
  assertEquals(text(await socket.pop()), "short");
});

netTest("Datagram iterates until it is closed", async (libos) => {
  const socket = datagram({ libos });
  const seen: (string | null)[] = [];
  const both = Promise.withResolvers<void>();
  const iteration = (async () => {
    for await (const sga of socket) {
      seen.push(text(sga));
      if (seen.length === 2) both.resolve();
    }
  })();
  await socket.push(bytes("a"), socket.addr);
  await socket.push(bytes("b"), socket.addr);
  await within(both.promise);
  socket.close();
  await within(iteration);
  assertEquals(seen, ["a", "b"]);
});

netTest("Datagram is closed when its iteration is left early", async (libos) => {
  const socket = datagram({ libos });
  await socket.push(bytes("a"), socket.addr);
  for await (using _ of socket) break;
  assertEquals(socket.open, false);
});

netTest("Datagram.close() interrupts what is pending", async (libos) => {
  const socket = datagram({ libos });
  const pending = assertRejects(async () => await socket.pop(), Deno.errors.Interrupted);
  socket.close();
  await within(pending);
});

const USES: Record<string, (socket: Datagram) => unknown> = {
  pop: (socket) => socket.pop(),
  push: (socket) => socket.push(bytes("x"), socket.addr),
  connect: (socket) => socket.connect(socket.addr),
  close: (socket) => socket.close(),
  ref: (socket) => socket.ref(),
  unref: (socket) => socket.unref(),
};

for (const [what, use] of Object.entries(USES)) {
  netTest(`Datagram.${what}() throws BadResource when it was closed`, (libos) => {
    const socket = datagram({ libos });
    socket.close();
    assertThrows(() => use(socket), Deno.errors.BadResource);
    socket[Symbol.dispose]();
    return Promise.resolve();
  });
}

netTest("datagram() throws, and holds nothing, when the address is taken or none", (libos) => {
  using socket = datagram({ libos });
  assertThrows(() => datagram({ libos, port: socket.addr.port }), Deno.errors.AddrInUse);
  assertThrows(() => datagram({ libos, hostname: "example.com" }), DemikernelError);
  return Promise.resolve();
});

for (const hostname of ["127.0.0.1", "::1"]) {
  netTest(`Datagram reaches localhost from ${hostname}`, async (libos) => {
    using one = datagram({ libos, hostname });
    using two = datagram({ libos, hostname });
    const localhost = { hostname: "localhost", port: two.addr.port };
    await one.push(bytes("pushed"), localhost);
    assertEquals(text(await two.pop({ timeout: 2000 })), "pushed");
    await one.connect(localhost);
    await one.push(bytes("connected"));
    assertEquals(text(await two.pop({ timeout: 2000 })), "connected");
  });
}

netTest("Datagram reaches localhost from ::, as connect() does", async (libos) => {
  using one = datagram({ libos, hostname: "::" });
  using two = datagram({ libos, hostname: "localhost" });
  await one.push(bytes("pushed"), { hostname: "localhost", port: two.addr.port });
  assertEquals(text(await two.pop({ timeout: 2000 })), "pushed");
});

netTest("datagram() takes reusePort, broadcast and groups", async (libos) => {
  const groups = [{ group: "239.1.2.3", interface: "127.0.0.1" }];
  const options = { libos, hostname: "0.0.0.0", reusePort: true, broadcast: true, groups };
  using one = datagram(options);
  using two = datagram({ ...options, port: one.addr.port });
  assertEquals(two.addr.port, one.addr.port);
  await Promise.resolve();
});
