/**
 * Datagrams over a bad network: each that arrives is whole, and comes as often as the network says.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Coroutine } from "../../libos/pdpix.ts";
import { drawLink, pick } from "./_scenario.ts";
import { SeededRandom } from "../../libos/inetstack/random.ts";
import { simulate } from "../../libos/sim/network.ts";

const SIZES = [0, 1, 100, 1400, 1473, 5000, 30_000, 65_507];
const COUNT = 100;

/** Runs a seed. */
export async function runDatagrams(seed: number): Promise<void> {
  const random = new SeededRandom(seed ^ 0xda7a);
  const six = random.chance(0.4);
  const [first, second] = six ? ["fd00::1", "fd00::2"] : ["10.0.0.1", "10.0.0.2"];
  const network = simulate({ seed, link: drawLink(random) });
  const mtu = pick(random, six ? [1280, 1500, 9000] : [576, 1500, 9000]);
  const make = (name: string, address: string) =>
    network.host({ name, addresses: [`${address}/${six ? 64 : 24}`], mtu });
  const [receiver, sender] = [make("receiver", first!), make("sender", second!)];
  const domain = six ? "inet6" : "inet";
  const to = receiver.socket(domain, "dgram");
  const from = sender.socket(domain, "dgram");
  receiver.bind(to, { hostname: first!, port: 7 });
  const sizes = Array.from(
    { length: COUNT },
    () => Math.min(pick(random, SIZES), six ? 65_487 : 65_507),
  );
  const heard = new Map<number, number>();

  function* hear(): Coroutine {
    for (;;) {
      const sga = (yield* receiver.operations.pop(to))!;
      const bytes = sga.bytes();
      if (bytes.length > 0) {
        const number = bytes[0]!;
        assertEquals(bytes.length, sizes[number]);
        assert(bytes.every((byte, i) => byte === (number + i * 3 & 255)), `datagram ${number}`);
        assertEquals(sga.address!.hostname, second);
        heard.set(number, (heard.get(number) ?? 0) + 1);
      }
      sga.free();
    }
  }
  function* speak(): Coroutine {
    for (const [number, size] of sizes.entries()) {
      const sga = sender.alloc(size);
      const bytes = sga.bytes();
      for (let i = 0; i < size; i++) bytes[i] = number + i * 3;
      yield* sender.operations.pushTo(from, sga, { hostname: first!, port: 7 });
      yield* sender.operations.sleep(random.below(20));
    }
    // What is under way arrives, and what is not whole is given up.
    yield* sender.operations.sleep(70_000);
  }
  const hearing = receiver.spawn(hear()).catch(() => {});
  network.runSync([speak()]);
  assert([...heard.values()].every((times) => times <= 2));
  for (const host of [sender, receiver]) {
    const { leakedBuffers } = await host.exit();
    assertEquals(leakedBuffers, 0);
  }
  await hearing;
}
