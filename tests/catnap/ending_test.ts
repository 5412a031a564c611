/**
 * Both ends end a connection at the same time: neither has seen the other's end when it makes its own.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { within } from "../runtime/_assert.ts";
import {
  accept,
  connectedPair,
  fill,
  KINDS,
  LOOPBACK,
  message,
  outcome,
  pattern,
  popped,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import type { Coroutine, InetAddress, LibOS, QueueDescriptor } from "../../libos/pdpix.ts";

/** What one push of these tests has. */
const SIZE = 1 << 15;

/** Pops until the end; gives how many bytes there were. */
function* rest(libos: LibOS, qd: QueueDescriptor): Coroutine<number> {
  for (let length = 0;;) {
    const sga = yield* libos.operations.pop(qd);
    if (sga === null) return length;
    length += sga.length;
    sga.free();
  }
}

for (const [domain, type] of KINDS) {
  const kind = `(${domain} ${type})`;

  Deno.test(`shutdown() on both ends at once ends both, when nothing is in flight ${kind}`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, domain, type);
      const pops = [libos.pop(a), libos.pop(b)];
      libos.shutdown(a, "write");
      libos.shutdown(b, "write");
      assertEquals(pops.map((qt) => popped(libos, qt)), [null, null]);
      libos.close(a);
      libos.close(b);
    }));

  Deno.test(`shutdown() on both ends at once loses nothing that is in flight ${kind}`, () =>
    withCatnap(async (libos) => {
      const ends = connectedPair(libos, domain, type);
      const filled = ends.map((qd) => ({ ...fill(libos, qd, SIZE), qd }));
      const later = ends.map((qd) => libos.push(qd, message(libos, SIZE)));
      for (const qd of ends) libos.shutdown(qd, "write");
      const lengths = await within(
        Promise.all(ends.map((qd) => libos.spawn(rest(libos, qd)))),
        10,
      );
      assertEquals(lengths, filled.map(({ gone }) => (gone + 2) * SIZE).reverse());
      const pushes = [...filled.map(({ blocked }) => blocked), ...later];
      assertEquals(pushes.map((qt) => outcome(libos, qt)), new Array(4).fill("push"));
      assertEquals(ends.map((qd) => receive(libos, qd)), [null, null]);
    }));

  Deno.test(`close() on both ends at once cancels what is pending, with data in flight ${kind}`, () =>
    withCatnap((libos) => {
      const ends = connectedPair(libos, domain, type);
      const blocked = ends.map((qd) => fill(libos, qd, SIZE).blocked);
      const later = ends.map((qd) => libos.push(qd, message(libos, "waits")));
      const tokens = [...blocked, ...later];
      for (const qd of ends) libos.close(qd);
      assertEquals(tokens.map((qt) => outcome(libos, qt)), new Array(4).fill("ECANCELED"));
      const { queues, buffers, pending } = libos.statistics();
      assertEquals([queues, buffers, pending], [0, 0, 0]);
      const [c, d] = connectedPair(libos, domain, type);
      send(libos, c, "descriptors that are used again have no past");
      assertEquals(receive(libos, d), "descriptors that are used again have no past");
    }));

  Deno.test(`close() on one end and shutdown() on the other at once end both ${kind}`, () =>
    withCatnap((libos) => {
      const [a, b] = connectedPair(libos, domain, type);
      send(libos, a, "last");
      libos.close(a);
      libos.shutdown(b, "write");
      assertEquals([receive(libos, b), receive(libos, b)], ["last", null]);
    }));
}

/** Runs a test on a connection between catnap and a socket of Deno's. */
function withDeno(
  run: (libos: LibOS, own: QueueDescriptor, peer: Deno.TcpConn) => unknown,
): Promise<void> {
  return withCatnap(async (libos) => {
    const listener = libos.socket("inet", "stream");
    libos.bind(listener, LOOPBACK);
    libos.listen(listener);
    const { hostname, port } = libos.getsockname(listener) as InetAddress;
    for (const turn of ["first", "the listener is whole"]) {
      using peer = await Deno.connect({ hostname, port });
      await peer.write(new TextEncoder().encode(turn));
      const own = accept(libos, listener);
      assertEquals(receive(libos, own), turn);
      await run(libos, own, peer);
    }
  });
}

/** Reads one of Deno's connections until its end; gives how many bytes there were. */
async function readRest(peer: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(SIZE);
  for (let length = 0;;) {
    const read = await peer.read(buffer);
    if (read === null) return length;
    length += read;
  }
}

Deno.test("shutdown() while Deno's socket ends too is the end of both", () =>
  withDeno(async (libos, own, peer) => {
    const ends = Promise.all([libos.spawn(rest(libos, own)), readRest(peer)]);
    libos.shutdown(own, "write");
    await peer.closeWrite();
    assertEquals(await within(ends), [0, 0]);
    libos.close(own);
  }));

Deno.test("shutdown() while Deno's socket ends too loses nothing that is in flight", () =>
  withDeno(async (libos, own, peer) => {
    const length = 3_000_001;
    const pushed = libos.operations.push(own, message(libos, length));
    libos.shutdown(own, "write");
    const sending = (async () => {
      const bytes = pattern(length);
      for (let at = 0; at < length;) at += await peer.write(bytes.subarray(at));
      await peer.closeWrite();
    })();
    const both = Promise.all([libos.spawn(rest(libos, own)), readRest(peer)]);
    assertEquals(await within(both, 10), [length, length]);
    await pushed;
    await sending;
    libos.close(own);
  }));

Deno.test("close() while Deno's socket closes too, with data in flight, cancels what is pending", () =>
  withDeno(async (libos, own, peer) => {
    await peer.write(pattern(SIZE));
    const { blocked } = fill(libos, own, SIZE);
    peer.close();
    libos.close(own);
    assertEquals(outcome(libos, blocked), "ECANCELED");
    assertEquals(libos.statistics().pending, 0);
  }));

Deno.test("close() while Deno's socket closes too cancels a pop that waits", () =>
  withDeno((libos, own, peer) => {
    const pop = libos.pop(own);
    peer.close();
    libos.close(own);
    assertEquals(outcome(libos, pop), "ECANCELED");
  }));
