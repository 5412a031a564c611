/**
 * IPv6 over the simulated network: neighbour discovery, addresses of the link, groups, errors.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, datagram, serve } from "../../libos/net/mod.ts";
import { DemikernelError } from "../../libos/error.ts";
import type { InetAddress } from "../../libos/pdpix.ts";
import { type NetworkOptions, simulate } from "../../libos/sim/network.ts";
import type { SimHost } from "../../libos/sim/host.ts";

function pair(options: Partial<NetworkOptions> = {}, addresses = ["fd00::1/64", "fd00::2/64"]) {
  const lines: string[] = [];
  const network = simulate({ seed: 1, check: true, trace: (line) => lines.push(line), ...options });
  const [a, b] = addresses.map((one) => network.host({ addresses: [one] }) as SimHost);
  return { network, a: a!, b: b!, lines };
}

Deno.test("a neighbour is asked for in its own group, and answers whoever asked", async () => {
  const { network, a, b, lines } = pair();
  serve({ libos: a, hostname: "fd00::1", port: 7 }, () => Promise.resolve());
  await network.run(async () => {
    using connection = await connect({ libos: b, hostname: "fd00::1", port: 7 });
    assertEquals(await connection.pop(), null);
  });
  const icmp = lines.filter((line) => /ICMP6 type 13[56]/.test(line)).map((line) => line.slice(9));
  assert(
    icmp.includes("host2: IP6 fd00::2 > ff02::1:ff00:1: ICMP6 type 135, code 0, length 32"),
    icmp.join("\n"),
  );
  assert(
    icmp.includes("host1: IP6 fd00::1 > fd00::2: ICMP6 type 136, code 0, length 32"),
    icmp.join("\n"),
  );
  await network.close();
});

Deno.test("addresses of the link work, with the zone that they are told with", async () => {
  const { network, a, b } = pair();
  using to = datagram({ libos: a, hostname: "::", port: 9 });
  using from = datagram({ libos: b, hostname: "::", port: 9 });
  await network.run(async () => {
    await from.push(Uint8Array.of(1), { hostname: "fe80::ff:fe00:1%1", port: 9 });
    using sga = await to.pop();
    assertEquals(sga.address!.hostname, "fe80::ff:fe00:2%1");
    await to.push(Uint8Array.of(2), sga.address!);
    using answer = await from.pop();
    assertEquals([...answer.bytes()], [2]);
  });
  await network.close();
});

Deno.test("somebody who takes an own address is noticed by both", async () => {
  const { network, a, b } = pair({}, ["fd00::1/64", "fd00::1/64"]);
  await network.run(async () => await a.operations.sleep(10));
  assert(a.stack.counters.addressConflicts > 0);
  assert(b.stack.counters.addressConflicts > 0);
  await network.close();
});

Deno.test("a group is joined with a report of MLD, and heard then", async () => {
  const { network, a, b, lines } = pair();
  const [to, from] = [a.socket("inet6", "dgram"), b.socket("inet6", "dgram")];
  const address: InetAddress = { hostname: "ff05::77", port: 9 };
  a.bind(to, { hostname: "::", port: 9 });
  a.setsockopt(to, "multicastJoin", { group: "ff05::77" });
  assert(lines.some((line) => /fe80::.* > ff05::77: protocol 0/.test(line)));
  const send = () => b.pushTo(from, b.alloc(3), address);
  b.wait(send());
  const got = a.wait(a.pop(to), 1000);
  assertEquals(got.opcode, "pop");
  if (got.opcode === "pop") got.sga!.free();
  a.setsockopt(to, "multicastLeave", { group: "ff05::77" });
  b.wait(send());
  const late = a.pop(to);
  await network.run(async () => await a.operations.sleep(10));
  a.cancel(late);
  const { opcode } = a.wait(late);
  assertEquals(opcode, "failed");
  await network.close();
});

Deno.test("own datagrams to a group come back, unless that is turned off", async () => {
  const { network, a } = pair({}, ["10.0.0.1/24", "10.0.0.2/24"]);
  const qd = a.socket("inet", "dgram");
  a.bind(qd, { hostname: "0.0.0.0", port: 9 });
  a.setsockopt(qd, "multicastJoin", { group: "239.0.0.9" });
  const send = () => a.wait(a.pushTo(qd, a.alloc(1), { hostname: "239.0.0.9", port: 9 }));
  send();
  const got = a.wait(a.pop(qd), 1000);
  if (got.opcode === "pop") got.sga!.free();
  assertEquals(got.opcode, "pop");
  a.setsockopt(qd, "multicastLoopback", false);
  send();
  const none = a.pop(qd);
  await network.run(async () => await a.operations.sleep(10));
  a.cancel(none);
  assertEquals(a.wait(none).opcode, "failed");
  await network.close();
});

Deno.test("a connected datagram socket is refused where nobody listens, of both versions", async () => {
  for (
    const [one, other] of [["fd00::1/64", "fd00::2/64"], ["10.0.0.1/24", "10.0.0.2/24"]] as const
  ) {
    const { network, b } = pair({}, [one, other]);
    const qd = b.socket(one.includes(":") ? "inet6" : "inet", "dgram");
    const address = { hostname: one.split("/")[0]!, port: 99 };
    await network.run(async () => {
      await b.operations.connect(qd, address);
      // The second one goes in fragments.
      for (const size of [1, 5000]) {
        await b.operations.push(qd, b.alloc(size));
        const pop = async () => await b.operations.pop(qd);
        const error = await assertRejects(pop, DemikernelError);
        assertEquals(error.code, "ECONNREFUSED");
      }
    });
    await network.close();
  }
});
