/**
 * What is known of ways: of each destination by itself, for a while, and of so many at most.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { PathMtuTable } from "../../libos/inetstack/ip/path_mtu.ts";
import { Time } from "../../libos/inetstack/time.ts";

const FOUR = IpAddress.parse("192.0.2.1")!;
const SIX = IpAddress.parse("2001:db8::1")!;
/** After so many milliseconds the stack's own clock has gone round. */
const ROUND = 2 ** 32;

function make(now = 0): { table: PathMtuTable; time: Time } {
  const time = new Time();
  time.advance(now);
  return { table: new PathMtuTable(time), time };
}

Deno.test("a way takes what its link takes, until a router says less", () => {
  const { table } = make();
  table.learn(FOUR, 1000);
  assertEquals(table.of(FOUR, 1500), 1000);
  assertEquals(table.of(FOUR, 600), 600);
  assertEquals(table.of(IpAddress.parse("192.0.2.2")!, 1500), 1500, "another destination");
  table.learn(SIX, 9000);
  assertEquals([table.of(SIX, 1500), table.of(SIX, 65_535)], [1500, 9000]);
});

Deno.test("no way takes less than what all have to", () => {
  const { table } = make();
  table.learn(FOUR, 68);
  table.learn(SIX, 0);
  assertEquals([table.of(FOUR, 1500), table.of(SIX, 1500)], [552, 1280]);
});

Deno.test("it is forgotten ten minutes after it was said last, and a larger one is not believed before", () => {
  for (const now of [0, 5 * ROUND - 300_000]) {
    const { table, time } = make(now);
    table.learn(FOUR, 1000);
    time.advance(now + 300_000);
    table.learn(FOUR, 1200);
    assertEquals(table.of(FOUR, 1500), 1000);
    time.advance(now + 599_999);
    table.learn(FOUR, 1000);
    time.advance(now + 1_199_998);
    assertEquals(table.of(FOUR, 1500), 1000);
    time.advance(now + 1_199_999);
    assertEquals(table.of(FOUR, 1500), 1500);
    table.learn(FOUR, 1200);
    assertEquals(table.of(FOUR, 1500), 1200);
  }
});

Deno.test("of more destinations than there is room for, the last ones are known", () => {
  const { table } = make();
  const all = Array.from({ length: 10 * BOUNDS.PATHS }, (_, i) => IpAddress.v4(i + 1));
  for (const one of all) table.learn(one, 1000);
  const known = all.filter((one) => table.of(one, 1500) === 1000);
  assert(known.length > BOUNDS.PATHS / 2 && known.length <= BOUNDS.PATHS, `${known.length}`);
  assert(known.includes(all.at(-1)!));
});
