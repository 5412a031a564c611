/**
 * What catmint does beside the contract.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { connect, DemikernelError, open, serve } from "../../mod.ts";
import { RegisteredMemory } from "../../libos/catmint/memory.ts";
import type { UcxContext } from "../../ffi/ucx/context.ts";
import { pattern } from "../contract/end.ts";
import { missingUcx, needing } from "../_needs.ts";
import { ALL, echo, exchange, openOn, pair } from "./_catmint.ts";
import { soak } from "./soak.ts";

const missing = missingUcx();

for (const transport of ALL) {
  Deno.test(needing(missing, `many echoes over ${transport} leave nothing behind`), async () => {
    await soak(transport, 20_000);
  });

  Deno.test(
    needing(missing, `exit() lets arrive over ${transport} what was pushed before`),
    async () => {
      await using libos = openOn(transport);
      const other = openOn(transport);
      const [client, server] = await pair(libos, other);
      const pushed = server.push(pattern(500_000));
      let length = 0;
      const popping = (async () => {
        for (let sga; (sga = await client.pop({ timeout: 2000 })) !== null;) {
          length += sga.length;
          sga.free();
        }
      })();
      await pushed;
      await other.exit();
      await popping;
      assertEquals(length, 500_000);
      client.close();
    },
  );
}

Deno.test(needing(missing, "memory is registered once for each region of the heap"), async () => {
  await using libos = openOn("posix");
  await using server = echo(libos);
  using connection = await connect({ libos, port: server.addr.port });
  await exchange(connection, pattern(100_000));
  const once = libos.registrations;
  assert(once > 0);
  for (let i = 0; i < 100; i++) await exchange(connection, pattern(100_000));
  assertEquals(libos.registrations, once);
});

Deno.test("RegisteredMemory registers a region once, again where another is, and takes all back", () => {
  const registered: string[] = [];
  const worker = {
    register(address: number, length: number) {
      registered.push(`+${address}:${length}`);
      return BigUint64Array.of(BigInt(address));
    },
    unregister: ([address]: BigUint64Array) => registered.push(`-${address}`),
  };
  const memory = new RegisteredMemory(worker as unknown as UcxContext);
  memory.register(4096, 100);
  memory.register(8192, 0);
  memory.register(4096, 200);
  memory.close();
  assertEquals(registered, ["+4096:100", "-4096", "+4096:200", "-4096"]);
  assertEquals(memory.registrations, 2);
});

Deno.test(needing(missing, "catmint and catnap work side by side in one process"), async () => {
  await using mint = openOn("posix");
  await using nap = open("catnap");
  await using behind = echo(mint);
  // A relay from the kernel's sockets to UCX.
  await using relay = serve({ libos: nap, hostname: "127.0.0.1", port: 0 }, async (connection) => {
    using target = await connect({ libos: mint, port: behind.addr.port });
    for await (const sga of connection) {
      await target.push(sga.toUint8Array());
      using answer = await target.pop();
      await connection.push(answer!.toUint8Array());
    }
  });
  using client = await connect({ libos: nap, port: relay.addr.port });
  for (const size of [1, 100, 10_000]) {
    assertEquals(await exchange(client, pattern(size)), pattern(size));
  }
});

Deno.test(
  needing(missing, "socket() says that catmint has stream sockets of IP alone"),
  async () => {
    await using libos = openOn("posix");
    for (const [domain, type] of [["inet", "dgram"], ["unix", "stream"]] as const) {
      const error = assertThrows(() => libos.socket(domain, type), DemikernelError);
      assertEquals(error.code, "ENOTSUP");
    }
  },
);

Deno.test(needing(missing, "open() says so where UCX has no transport"), () => {
  const before = Deno.env.get("UCX_TLS");
  Deno.env.set("UCX_TLS", "nonsense");
  try {
    const error = assertThrows(() => open("catmint"), DemikernelError);
    assertEquals(error.code, "ENODEV");
  } finally {
    if (before === undefined) Deno.env.delete("UCX_TLS");
    else Deno.env.set("UCX_TLS", before);
  }
});
