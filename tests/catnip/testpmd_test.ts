/**
 * DPDK's own program, as a switch between two of our memif devices: it is the server of one link and the client of the
 * other.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, open, serve } from "../../mod.ts";
import { ealWith } from "../_network/network.ts";
import { missingDpdk, missingProgram, needing } from "../_needs.ts";
import { OURS, prefixed, THEIRS } from "../_network/link.ts";

const SIZE = 1 << 20;
/** Milliseconds for both links to come up. */
const PATIENCE = 15_000;

Deno.test(
  needing(
    missingProgram("dpdk-testpmd") ?? missingDpdk("memif"),
    "memif through dpdk-testpmd carries a megabyte",
  ),
  async () => {
    const folder = await Deno.makeTempDir();
    const port = (number: number, role: string) =>
      `net_memif${number},role=${role},socket=${folder}/${number}.sock,socket-abstract=no`;
    const switched = new Deno.Command("dpdk-testpmd", {
      args: [
        // The first core is for commands, the second one forwards.
        ...ealWith(port(0, "server")).with(1, "0,1"),
        ...[`--vdev=${port(1, "client")}`, "--"],
        ...["--forward-mode=io", "--auto-start", "--total-num-mbufs=8192", "-i"],
      ],
      // It ends with its input.
      ...{ stdin: "piped", stdout: "null", stderr: "null" },
    }).spawn();
    try {
      await using theirs = open({
        libos: "catnip",
        device: `memif:${folder}/1.sock,role=server`,
        addresses: prefixed(THEIRS),
      });
      await using _server = serve(
        { libos: theirs, hostname: THEIRS.inet, port: 7 },
        async (one) => {
          for await (const sga of one) await one.push(sga);
        },
      );
      await using ours = open({
        libos: "catnip",
        device: `memif:${folder}/0.sock`,
        addresses: prefixed(OURS),
      });
      const end = performance.now() + PATIENCE;
      const isUp = () => [ours, theirs].every((one) => one.statistics().device!.link === "up");
      while (!isUp() && performance.now() < end) await ours.operations.sleep(20);
      assert(isUp(), [ours, theirs].map((one) => one.statistics().device!.link).join());
      using connection = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
      const pushed = connection.push(new Uint8Array(SIZE).fill(7));
      for (let left = SIZE; left > 0;) {
        using sga = (await connection.pop({ timeout: PATIENCE }))!;
        assert(sga.bytes().every((byte) => byte === 7));
        left -= sga.length;
      }
      await pushed;
      assertEquals(ours.statistics().device!.sendDrops, 0);
    } finally {
      await switched.stdin.close();
      await switched.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
);
