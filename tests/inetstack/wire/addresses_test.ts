/**
 * Addresses, prefixes and the small things of the stack: as text, as words, as numbers.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { hash, makeKey } from "../../../libos/inetstack/hash.ts";
import { IpAddress, IpPrefix } from "../../../libos/inetstack/ip_address.ts";
import { MacAddress } from "../../../libos/inetstack/wire/ethernet.ts";
import { EphemeralPorts } from "../../../libos/inetstack/ports.ts";
import { RateLimit, Time } from "../../../libos/inetstack/time.ts";
import { SeededRandom } from "../../../libos/inetstack/random.ts";
import { ahead, before, later } from "../../../libos/inetstack/tcp/sequence.ts";
import { swap32 } from "../../../libos/inetstack/wire/byte_order.ts";

Deno.test("IpAddress reads and writes what it read", () => {
  for (
    const text of ["10.0.0.1", "255.255.255.255", "::1", "fe80::1234", "2001:db8::ff00:42:8329"]
  ) {
    const address = IpAddress.parse(text)!;
    assertEquals(String(address), text);
    assert(IpAddress.of(address.bytes).equals(address));
  }
  assertEquals(IpAddress.parse("10.0.0"), null);
});

Deno.test("IpAddress tells the kinds of addresses apart", () => {
  const kinds = (text: string) => {
    const address = IpAddress.parse(text)!;
    return [
      address.isUnspecified && "unspecified",
      address.isLoopback && "loopback",
      address.isMulticast && "multicast",
      address.isBroadcast && "broadcast",
      address.isLinkLocal && "link-local",
    ].filter(Boolean).join();
  };
  assertEquals(
    [
      "0.0.0.0",
      "::",
      "127.1.2.3",
      "::1",
      "239.1.1.1",
      "ff02::1",
      "255.255.255.255",
      "169.254.0.9",
      "fe80::9",
      "10.0.0.1",
      "fd00::1",
    ]
      .map(kinds),
    [
      "unspecified",
      "unspecified",
      "loopback",
      "loopback",
      "multicast",
      "multicast",
      "broadcast",
      "link-local",
      "link-local",
      "",
      "",
    ],
  );
});

Deno.test("IpPrefix contains the addresses of its network", () => {
  const contains = (prefix: string, address: string) =>
    IpPrefix.parse(prefix)!.contains(IpAddress.parse(address)!);
  assert(contains("10.0.0.2/24", "10.0.0.254"));
  assert(!contains("10.0.0.2/24", "10.0.1.1"));
  assert(contains("10.0.0.2/23", "10.0.1.1"));
  assert(contains("0.0.0.0/0", "8.8.8.8"));
  assert(!contains("10.0.0.2/32", "10.0.0.3"));
  assert(contains("fd00::2/64", "fd00::ffff:1"));
  assert(!contains("fd00::2/64", "fd00:0:0:1::1"));
  assert(!contains("0.0.0.0/0", "::1"));
  assertEquals(String(IpPrefix.parse("10.0.0.2/22")!.broadcast), "10.0.3.255");
  assertEquals(IpPrefix.parse("10.0.0.2/31")!.broadcast, null);
  for (const text of ["10.0.0.2", "10.0.0.2/33", "fd00::/129", "x/8", "10.0.0.2/"]) {
    assertEquals(IpPrefix.parse(text), null, text);
  }
});

Deno.test("MacAddress reads and writes what it read", () => {
  assertEquals(String(MacAddress.parse("02:00:AB:cd:ef:ff")), "02:00:ab:cd:ef:ff");
  assertEquals(MacAddress.parse("02:00:ab:cd:ef"), null);
});

Deno.test("sequence numbers compare across the wrap", () => {
  assert(before(-1, 0));
  assert(before(0x7fffffff, -0x80000000));
  assert(!before(5, 5));
  assertEquals(ahead(-0x80000000, 0x7fffffff), 1);
  assertEquals(later(0x7fffffff, -0x80000000), -0x80000000);
  assertEquals(swap32(0x01020304), 0x04030201);
});

Deno.test("hash() is HalfSipHash-2-4", () => {
  // Key 0x03020100 0x07060504 and message 00 01 … 0f: of the reference implementation's published vectors, entry 16.
  const key = { k0: 0x03020100, k1: 0x07060504 };
  const word = hash(key, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);
  assertEquals(word, reference(key, [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c]));
  assert(
    hash(makeKey(new SeededRandom(1)), 1, 2, 3, 4) !==
      hash(makeKey(new SeededRandom(2)), 1, 2, 3, 4),
  );
});

/** HalfSipHash-2-4 once more, in numbers of any size. */
function reference({ k0, k1 }: { k0: number; k1: number }, words: number[]): number {
  const mask = 0xffffffffn;
  const rotate = (x: bigint, by: bigint) => (x << by | x >> 32n - by) & mask;
  let v = [
    BigInt(k0 >>> 0),
    BigInt(k1 >>> 0),
    0x6c796765n ^ BigInt(k0 >>> 0),
    0x74656462n ^ BigInt(k1 >>> 0),
  ];
  const round = () => {
    let [a, b, c, d] = v as [bigint, bigint, bigint, bigint];
    a = a + b & mask;
    b = rotate(b, 5n) ^ a;
    a = rotate(a, 16n);
    c = c + d & mask;
    d = rotate(d, 8n) ^ c;
    a = a + d & mask;
    d = rotate(d, 7n) ^ a;
    c = c + b & mask;
    b = rotate(b, 13n) ^ c;
    c = rotate(c, 16n);
    v = [a, b, c, d];
  };
  for (const word of [...words, words.length * 4 << 24]) {
    v[3]! ^= BigInt(word >>> 0);
    round();
    round();
    v[0]! ^= BigInt(word >>> 0);
  }
  v[2]! ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return Number(BigInt.asIntN(32, v[1]! ^ v[3]!));
}

Deno.test("EphemeralPorts gives every port once before one again, and 0 when none is free", () => {
  const ports = new EphemeralPorts({ k0: 1, k1: 2 });
  const taken = new Set<number>();
  for (let i = 0; i < 28_232; i++) {
    const port = ports.choose(1, 2, 3, 4, (one) => !taken.has(one));
    assert(port >= 32_768 && port <= 60_999 && !taken.has(port));
    taken.add(port);
  }
  assertEquals(ports.choose(1, 2, 3, 4, (one) => !taken.has(one)), 0);
});

Deno.test("RateLimit lets so many through in each second", () => {
  const time = new Time();
  const limit = new RateLimit(2, time);
  const spend = (now: number) => {
    time.advance(now);
    return limit.spend();
  };
  assertEquals([0, 1, 2, 999, 1000, 1001, 1002].map(spend), [
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  assertEquals(limit.refused, 3);
});

Deno.test("Time does not go back, and tells deadlines across the wrap of its integers", () => {
  const time = new Time();
  time.advance(2 ** 31 - 5.5);
  time.advance(7);
  assertEquals(time.now, 2 ** 31 - 5.5);
  assertEquals(time.at((time.ms + 20) | 0), 2 ** 31 - 6 + 20);
});

Deno.test("SeededRandom gives the same again, and every value below a bound", () => {
  const [one, other] = [new SeededRandom(7), new SeededRandom(7)];
  for (let i = 0; i < 100; i++) assertEquals(one.next(), other.next());
  const seen = new Set(Array.from({ length: 1000 }, () => one.below(10)));
  assertEquals(seen.size, 10);
  assert(!one.chance(0) && one.chance(1));
});
