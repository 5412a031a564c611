/**
 * A server that has nothing to do sleeps, on each device that can wake it, as the idle policy is by default.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, open } from "../../mod.ts";
import { KernelLink, KINDS, missingForLinks, OURS, prefixed, THEIRS } from "../_network/link.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { needing } from "../_needs.ts";
import { Program } from "../examples/_program.ts";

/** For so long nobody says anything, in milliseconds; by then a server that does not sleep has used as much. */
const SILENCE = 1_000;
/** Hundredths of a second, in which the test itself disturbs nobody. */
const TICKS = 10;

/** A client's sockets are where `there` makes them. */
async function sleepsOn(
  server: Program,
  openClient: () => LibOS,
  there: <T>(use: () => T) => T = (use) => use(),
): Promise<void> {
  await using libos = there(openClient);
  using connection = await there(() => connect({ libos, hostname: OURS.inet, port: server.port }));
  for (let round = 0; round < 3; round++) {
    await connection.push(Uint8Array.of(round));
    using sga = await connection.pop({ timeout: 10_000 });
    assertEquals(sga?.bytes(), Uint8Array.of(round));
    const before = cpuTicks(server.pid);
    await libos.operations.sleep(SILENCE / 3);
    const used = cpuTicks(server.pid) - before;
    // The first round is that of a program that was just started.
    assert(round === 0 || used < TICKS, `${used} ticks`);
  }
}

Deno.test({
  name: "an adaptive server on memif sleeps, and a frame wakes it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const device = `memif:@demikernel-idle-${Deno.pid}` as const;
    const env = { LIBOS: "catnip", DEVICE: `${device},role=server`, ADDRESS: prefixed(OURS)[0]! };
    await using server = await Program.start("tcp_echo", [], { env });
    const addresses = prefixed(THEIRS);
    await sleepsOn(server, () => open({ libos: "catnip", device, addresses }));
  },
});

const missing = missingForLinks();

for (const kind of KINDS) {
  Deno.test(
    needing(missing, `an adaptive server on ${kind} sleeps, and a frame wakes it`),
    async () => {
      using link = new KernelLink(kind);
      const { host, device } = link.port;
      const env = { LIBOS: "catpowder", DEVICE: device, ADDRESS: prefixed(OURS)[0]! };
      await using server = await Program.start("tcp_echo", [], { env, host });
      await sleepsOn(server, () => open("catnap"), (use) => link.kernel.call(use));
    },
  );
}

/** Processor time of a process, in hundredths of a second. */
function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
