/**
 * What is so of AF_XDP alone: its modes, its program, its frames.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { connect, DemikernelError, type LibOS, serve } from "../../mod.ts";
import {
  INTERFACE,
  KernelLink,
  missingForLinks,
  openAt,
  OURS,
  PairLink,
  type Port,
  THEIRS,
} from "../_network/link.ts";
import { missingProgram, needing } from "../_needs.ts";
import type { Namespace } from "../_network/namespace.ts";
import { Program } from "../examples/_program.ts";

const missing = missingForLinks();

/** Opens catpowder at a port, with more said of its device. */
function openXdp({ host, device }: Port, more: string): LibOS {
  return openAt({ host, device: `${device}${more}` as `xdp:${string}` }, OURS);
}

/** What `ip` tells of the interface, with its XDP program. */
async function show(host: Namespace): Promise<string> {
  const args = ["-details", "link", "show", INTERFACE];
  const { stdout } = await host.command("ip", { args }).output();
  return new TextDecoder().decode(stdout);
}

for (const mode of ["generic", "native"]) {
  Deno.test(needing(missing, `${mode} XDP carries a megabyte, and loses no frame`), async () => {
    using link = new PairLink("xdp");
    await using ours = openXdp(link.ports[0], `:0,mode=${mode}`);
    await using theirs = openAt(link.ports[1], THEIRS);
    await using _server = serve({ libos: theirs, hostname: THEIRS.inet, port: 7 }, async (one) => {
      for await (const sga of one) await one.push(sga);
    });
    using connection = await connect({ libos: ours, hostname: THEIRS.inet, port: 7 });
    const size = 1 << 20;
    const pushed = connection.push(new Uint8Array(size).fill(7));
    for (let left = size; left > 0;) {
      using sga = (await connection.pop())!;
      assert(sga.bytes().every((byte) => byte === 7));
      left -= sga.length;
    }
    await pushed;
    const { mode: how, frames, freeFrames, sendDrops } = ours.statistics().device!;
    assertEquals(how, `${mode}, copied`);
    assertEquals(freeFrames, frames);
    assertEquals(sendDrops, 0);
  });
}

Deno.test(needing(missing, "a process that is killed leaves no XDP program behind"), async () => {
  using link = new KernelLink("xdp");
  const { host, device } = link.port;
  const env = { LIBOS: "catpowder", DEVICE: device, ADDRESS: `${OURS.inet}/24` };
  for (let round = 0; round < 3; round++) {
    const echo = await Program.start("tcp_echo", [], { host, env });
    assertStringIncludes(await show(host), "xdp");
    await echo.end("SIGKILL");
    const until = performance.now() + 10_000;
    while ((await show(host)).includes("xdp") && performance.now() < until);
    assertEquals((await show(host)).includes("xdp"), false);
  }
});

Deno.test(needing(missing, "open() tells why XDP does not work on an interface"), async () => {
  using link = new KernelLink("xdp");
  const refused = (more: string) => assertThrows(() => openXdp(link.port, more), DemikernelError);
  const none = refused(":7");
  assertEquals(none.code, "EINVAL");
  assertStringIncludes(none.message, "no such queue");
  {
    await using _first = openAt(link.port, OURS);
    const taken = refused("");
    assertEquals(taken.code, "EBUSY");
    assertStringIncludes(taken.message, "another process has that queue, or another XDP program");
  }
  link.port.host.ip(`link set ${INTERFACE} mtu 9000`);
  const large = refused("");
  assertEquals(large.code, "ENOTSUP");
  assertStringIncludes(large.message, `ip link set ${INTERFACE} mtu 3824`);
  link.port.host.ip(`link set ${INTERFACE} mtu 3824`);
  await using _libos = openAt(link.port, OURS);
});

Deno.test(
  needing(missing ?? missingProgram("ping"), "XDP takes frames up to what fits in a page"),
  async () => {
    using link = new KernelLink("xdp");
    link.port.host.ip(`link set ${INTERFACE} mtu 3824`);
    link.kernel.ip(`link set ${INTERFACE} mtu 3824`);
    await using _libos = openAt(link.port, OURS);
    for (const size of [100, 3796]) {
      const args = ["-c", "1", "-W", "5", "-M", "do", "-s", String(size), OURS.inet];
      assert((await link.kernel.command("ping", { args }).output()).success, `${size}`);
    }
  },
);
