/**
 * An interface with several queues, each of which a Worker has.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { connect, open } from "../../mod.ts";
import { INTERFACE, missingForLinks, OURS, prefixed, THEIRS } from "../_network/link.ts";
import { Namespace } from "../_network/namespace.ts";
import { needing } from "../_needs.ts";

const PROGRAM = new URL("_queues.ts", import.meta.url).pathname;
const QUEUES = 2;
const CONNECTIONS = 32;
/** The kernel's Ethernet address: what is asked for it would be answered to one queue alone. */
const MAC = "02:00:00:00:00:02";

Deno.test(needing(missingForLinks(), "a Worker for each queue of XDP serves"), async () => {
  using host = new Namespace();
  using kernel = new Namespace();
  const queues = `numtxqueues ${QUEUES} numrxqueues ${QUEUES}`;
  host.ip(
    `link add ${INTERFACE} ${queues} type veth peer name ${INTERFACE} ${queues} address ${MAC} netns ${kernel.path}`,
  );
  host.ip(`link set ${INTERFACE} up addrgenmode none`);
  kernel.ip(`link set ${INTERFACE} up addrgenmode none`);
  kernel.ip(`address add ${prefixed(THEIRS)[0]} dev ${INTERFACE}`);
  kernel.ethtool(`-K ${INTERFACE} tx off`);
  const args = [
    ...["run", "-A", "--no-check", PROGRAM],
    ...[INTERFACE, String(QUEUES), `${THEIRS.inet}@${MAC}`],
  ];
  const process = host.command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await lines.read()).value, "ready\n");
  await using libos = kernel.call(() => open("catnap"));
  for (let i = 0; i < CONNECTIONS; i++) {
    using connection = await kernel.call(() => connect({ libos, hostname: OURS.inet, port: 7 }));
    await connection.push(Uint8Array.of(i));
    using sga = await connection.pop({ timeout: 5_000 });
    assertEquals(sga?.bytes(), Uint8Array.of(i));
  }
  process.kill("SIGTERM");
  const served: number[] = JSON.parse((await lines.read()).value!);
  await lines.cancel();
  await process.status;
  assertEquals(served.reduce((sum, count) => sum + count), CONNECTIONS);
  for (const count of served) assertNotEquals(count, 0);
});
