/**
 * Large messages, and data that nobody pops: it stays in the kernel, and holds the peer up.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { assert, assertEquals, assertLess } from "@std/assert";
import { assertCode } from "../runtime/_assert.ts";
import {
  attempt,
  connectedPair,
  drain,
  fill,
  KINDS,
  message,
  outcome,
  pattern,
  popped,
  receive,
  send,
  STREAMS,
  WAIT,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";
import type { LibOS } from "../../libos/pdpix.ts";

for (const [domain, type] of KINDS) {
  Deno.test(`what nobody pops stays in the kernel, until the peer can send no more (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, domain, type);
      const before = libos.statistics().bufferBytes;
      const first = libos.pop(b);
      const { blocked, gone } = fill(libos, a, 1 << 15);
      assertEquals(attempt(libos, blocked), null);
      assert(gone > 0);
      const popped = libos.wait(first);
      assert(popped.opcode === "pop" && popped.sga !== null);
      const { length } = popped.sga;
      popped.sga.free();
      assertEquals(
        libos.statistics().bufferBytes,
        before + (1 << 15),
        "no buffer but that of the push that waits",
      );
      libos.shutdown(a, "write");
      assertEquals(length + drain(libos, b).length, (gone + 1) * (1 << 15));
      assertEquals(outcome(libos, blocked), "push");
    }));
}

Deno.test("Deno's own writer is held up while nobody pops, and goes on once somebody does", () =>
  withCatnap(async (libos) => {
    const listener = libos.socket("inet", "stream");
    libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
    libos.listen(listener);
    const { port } = libos.getsockname(listener) as { port: number };
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const server = libos.wait(libos.accept(listener), WAIT);
    assert(server.opcode === "accept");
    const chunk = pattern(1 << 20);
    const total = 64;
    let written = 0;
    const writer = (async () => {
      for (let i = 0; i < total; i++) {
        let at = 0;
        while (at < chunk.length) {
          at += await connection.write(chunk.subarray(at));
          written = i * chunk.length + at;
        }
      }
      connection.closeWrite();
    })();
    // It stands still once both buffers of the kernel are full.
    for (let last = -1; written !== last || written === 0;) {
      last = written;
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    assertLess(written, total * chunk.length);
    let got = 0;
    for (;;) {
      const sga = await Promise.resolve(libos.operations.pop(server.accepted));
      if (sga === null) break;
      got += sga.length;
      sga.free();
    }
    await writer;
    assertEquals(got, total * chunk.length);
  }));

/** Pushes an sga that counts up, and checks what the peer pops byte by byte. */
function roundTrip(
  libos: LibOS,
  [a, b]: [number, number],
  sizes: number | number[],
): void {
  const sga = libos.alloc(sizes);
  const { length, numsegs } = sga;
  const source = pattern(251 * 1024);
  let at = 0;
  for (let i = 0; i < numsegs; i++) {
    const bytes = sga.bytes(i);
    for (let j = 0; j < bytes.length;) {
      const start = (at + j) % 251;
      const part = source.subarray(start, start + Math.min(bytes.length - j, source.length - 251));
      bytes.set(part, j);
      j += part.length;
    }
    at += bytes.length;
  }
  const push = libos.push(a, sga);
  let got = 0;
  while (got < length) {
    const completion = libos.wait(libos.pop(b), WAIT);
    assert(completion.opcode === "pop" && completion.sga !== null);
    using part = completion.sga;
    const bytes = part.bytes();
    const start = got % 251;
    const expected = source.subarray(start, start + bytes.length);
    if (!equal(bytes, expected)) throw new Error(`wrong data near ${got}`);
    got += bytes.length;
  }
  assertEquals(got, length);
  assertEquals(outcome(libos, push), "push");
}

/** As assertEquals, which is too slow for 100 MB. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

for (const [domain, type] of STREAMS) {
  Deno.test(`an sga of 100 MB arrives whole (${domain} ${type})`, () =>
    withCatnap((libos) => {
      roundTrip(libos, connectedPair(libos, domain, type), 100_000_000);
    }));

  Deno.test(`an sga of 5 000 segments arrives whole, and in order (${domain} ${type})`, () =>
    withCatnap((libos) => {
      const sizes = Array.from({ length: 5000 }, (_, i) => (i * 7) % 300);
      roundTrip(libos, connectedPair(libos, domain, type), sizes);
    }));
}

Deno.test("a record of many segments is one record; one of too many is refused", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    assertEquals(outcome(libos, libos.push(a, libos.alloc(new Array(1024).fill(60)))), "push");
    assertEquals(drain(libos, b, 1).length, 1024 * 60);
    using many = libos.alloc(new Array(1025).fill(1));
    assertCode("EMSGSIZE", () => libos.push(a, many));
    using empty = libos.alloc([0, 0]);
    assertCode("EINVAL", () => libos.push(a, empty));
    assertEquals([many.numsegs, empty.numsegs], [1025, 2], "they stay with the caller");
  }));

Deno.test("a record is popped whole, however large, and cut to a size that was given", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    for (
      const [size, most, got] of [
        [10, undefined, 10],
        [70_000, undefined, 70_000],
        [150_000, undefined, 150_000],
        [10, 4, 4],
        [10, 10, 10],
        [150_000, 5, 5],
        [150_000, 100_000, 100_000],
        [150_000, 200_000, 150_000],
      ] as const
    ) {
      send(libos, a, size);
      const completion = libos.wait(libos.pop(b, most), WAIT);
      assert(completion.opcode === "pop" && completion.sga !== null);
      using sga = completion.sga;
      assertEquals(sga.toUint8Array(), pattern(got));
      assertEquals(sga.truncated, got < size, `${size} cut to ${most}`);
    }
  }));

Deno.test("a large record whose receive was interrupted is received in the end", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    send(libos, a, 100_000);
    using _ = failing("recv", [null, "EINTR", "EINTR"]);
    assertEquals(drain(libos, b, 1), pattern(100_000));
  }));

Deno.test("a record that is too large for the socket fails alone", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    assertEquals(outcome(libos, libos.push(a, libos.alloc(16 << 20))), "EMSGSIZE");
    const { blocked, gone } = fill(libos, a, 1 << 15);
    const pushes = [libos.alloc(16 << 20), message(libos, "last")].map((sga) => libos.push(a, sga));
    libos.shutdown(a, "write");
    for (let i = 0; i <= gone; i++) assertEquals(outcome(libos, libos.pop(b)), "pop");
    assertEquals(popped(libos, libos.pop(b)), "last");
    assertEquals(receive(libos, b), null);
    assertEquals(
      [blocked, ...pushes].map((qt) => outcome(libos, qt)),
      ["push", "EMSGSIZE", "push"],
    );
  }));

Deno.test("shutdown of the write side comes although the last push failed", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos, "unix", "seqpacket");
    const { blocked } = fill(libos, a, 1 << 15);
    const large = libos.push(a, libos.alloc(16 << 20));
    libos.shutdown(a, "write");
    while (receive(libos, b) !== null);
    assertEquals([outcome(libos, blocked), outcome(libos, large)], ["push", "EMSGSIZE"]);
  }));
