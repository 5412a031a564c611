/**
 * What happens to connections over a wire that does not stay as it is.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  connect,
  type Connection,
  type DeviceOptions,
  type LibOS,
  listen,
  serve,
} from "../../mod.ts";
import type { Catpowder } from "../../libos/catpowder/libos.ts";
import { open } from "../../libos/open.ts";
import {
  INTERFACE,
  KernelLink,
  KINDS,
  missingForLinks,
  openAt,
  OURS,
  PairLink,
  prefixed,
  THEIRS,
} from "../_network/link.ts";
import { Program } from "../examples/_program.ts";
import { missingProgram, needing } from "../_needs.ts";
import { assertRejectsCode } from "../runtime/_assert.ts";

const missing = missingForLinks();

/** Milliseconds that a connection may take to be as it was. */
const PATIENCE = 10_000;

async function exchange(connection: Connection, text: string): Promise<string> {
  await connection.push(new TextEncoder().encode(text));
  using sga = await connection.pop({ timeout: PATIENCE });
  return new TextDecoder().decode(sga?.bytes());
}

function echo(libos: LibOS, hostname = THEIRS.inet): AsyncDisposable {
  return serve({ libos, hostname, port: 7 }, async (connection) => {
    for await (const sga of connection) await connection.push(sga);
  });
}

for (const kind of KINDS) {
  Deno.test(
    needing(missing, `a connection on ${kind} survives that its interface goes down and up`),
    async () => {
      using link = new PairLink(kind);
      await using ours = openAt(link.ports[0], OURS);
      await using theirs = openAt(link.ports[1], THEIRS);
      await using _server = echo(theirs);
      using connection = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
      assertEquals(await exchange(connection, "before"), "before");
      const { host } = link.ports[0];
      // Once the own end, once the other.
      for (const end of ["a", "b"]) {
        host.ip(`link set ${INTERFACE}${end} down`);
        const answer = exchange(connection, "meanwhile");
        await new Promise((resolve) => setTimeout(resolve, 300));
        host.ip(`link set ${INTERFACE}${end} up`);
        assertEquals(await answer, "meanwhile");
      }
    },
  );

  Deno.test(
    needing(missing, `a connection on ${kind} is reset when its peer was rebooted under it`),
    async () => {
      using link = new PairLink(kind);
      const { host, device } = link.ports[1];
      const env = { LIBOS: "catpowder", DEVICE: device, ADDRESS: prefixed(THEIRS).join(" ") };
      // A process that is killed takes its stack along, and sends nothing more.
      const peer = await Program.start("tcp_echo", [], { host, env });
      await using ours = openAt(link.ports[0], OURS);
      const to = { libos: ours, hostname: THEIRS.inet, port: peer.port };
      using connection = await connect(to);
      assertEquals(await exchange(connection, "before"), "before");
      await peer.end("SIGKILL");
      const answer = exchange(connection, "meanwhile");
      const reset = assertRejectsCode("ECONNRESET", answer, PATIENCE / 1000);
      await using _again = await Program.start("tcp_echo", ["--port", `${to.port}`], { host, env });
      await reset;
      using next = await connect(to);
      assertEquals(await exchange(next, "after"), "after");
    },
  );

  Deno.test(
    needing(
      missing,
      `a connection on ${kind} survives that its peer gets another Ethernet address`,
    ),
    async () => {
      using link = new KernelLink(kind);
      await using ours = openAt(link.port, OURS);
      await using theirs = link.kernel.call(() => open("catnap"));
      const listener = link.kernel.call(() =>
        listen({ libos: theirs, hostname: THEIRS.inet, port: 7 })
      );
      using connection = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
      using accepted = await listener.accept();
      await connection.push(new TextEncoder().encode("before"));
      (await accepted.pop())!.free();
      link.kernel.ip(`link set ${INTERFACE} address 02:00:00:00:00:99`);
      await connection.push(new TextEncoder().encode("after"));
      using sga = await accepted.pop({ timeout: 2 * PATIENCE });
      assertEquals(new TextDecoder().decode(sga!.bytes()), "after");
      listener.close();
    },
  );

  Deno.test(
    needing(missing, `a libOS on ${kind} sleeps, and ends, when its interface was deleted`),
    async () => {
      using link = new PairLink(kind);
      await using ours = openAt(link.ports[0], OURS, { idle: "park" });
      const listener = listen({ libos: ours, hostname: OURS.inet, port: 7 });
      const accepting = Promise.allSettled([listener.accept()]);
      link.ports[0].host.ip(`link delete ${INTERFACE}a`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const before = cpuTicks();
      await new Promise((resolve) => setTimeout(resolve, 500));
      // A loop that does not sleep takes 50 ticks.
      assert(cpuTicks() - before < 25);
      listener.close();
      await accepting;
    },
  );

  Deno.test(needing(missing, `a host on ${kind} notices who has its address`), async () => {
    using link = new PairLink(kind);
    await using ours = openAt(link.ports[0], OURS) as Catpowder;
    await using other = openAt(link.ports[1], OURS) as Catpowder;
    // The other one asks for somebody, in the name of both.
    const asking = Promise.allSettled([connect({ libos: other, hostname: "10.0.0.9", port: 7 })]);
    const until = performance.now() + PATIENCE;
    while (ours.stack.counters.addressConflicts === 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert(ours.stack.counters.addressConflicts > 0);
    assert(other.stack.counters.addressConflicts > 0);
    await asking;
  });
}

Deno.test(
  needing(
    missing ?? missingProgram("ping"),
    "a kernel and a libOS live on one interface, each with its address",
  ),
  async () => {
    for (
      const [kind, mac] of [["packet"], ["packet", "02:00:00:00:00:77"], ["xdp"]] as const
    ) {
      using link = new KernelLink(kind);
      const { host } = link.port;
      host.ip(`address add 10.0.0.3/24 dev ${INTERFACE}`);
      const device = { kind, interface: INTERFACE, ...(mac && { mac }) } as DeviceOptions;
      await using _libos = openAt(link.port, OURS, { device });
      for (const address of ["10.0.0.3", OURS.inet, OURS.inet6]) {
        const args = ["-c", "1", "-W", "5", address];
        const { success } = await link.kernel.command("ping", { args }).output();
        assert(success, `${address}, ${mac}`);
      }
    }
  },
);

Deno.test(needing(missing, "catnap and catpowder serve each other in one process"), async () => {
  using link = new PairLink("packet");
  await using ours = openAt(link.ports[0], OURS);
  await using theirs = openAt(link.ports[1], THEIRS);
  await using kernel = open("catnap");
  await using _echo = echo(theirs);
  await using relay = serve({ libos: kernel, hostname: "127.0.0.1", port: 0 }, async (client) => {
    using server = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
    for await (const sga of client) {
      await server.push(sga.toUint8Array());
      sga.free();
      using answer = await server.pop();
      await client.push(answer!.toUint8Array());
    }
  });
  using client = await connect({ libos: kernel, hostname: "127.0.0.1", port: relay.addr.port });
  assertEquals(await exchange(client, "through both"), "through both");
});

/** Processor time of this process, in hundredths of a second. */
function cpuTicks(): number {
  const fields = Deno.readTextFileSync("/proc/self/stat").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
