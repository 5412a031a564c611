/**
 * The shared memory of memif: what the other end may write there, and is disconnected for.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { DESCRIPTOR, RING } from "../../libos/devices/memif/layout.ts";
import { checkFrames, FoundRing, LENGTHS, Pair, send, take, test } from "./_pair.ts";

/** What a peer may write into shared memory, and what is said of it. */
const LIES: Readonly<Record<string, (pair: Pair) => void>> = {
  "moves head too far": ({ client }) => new FoundRing(client, 0).setIndex(RING.HEAD, 9999),
  "moves head back": ({ client }) => new FoundRing(client, 0).setIndex(RING.HEAD, 0xffff),
  "says a length beyond the region": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "LENGTH", 0x7fffffff);
  },
  "says a length that is negative as a signed number": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "LENGTH", -1);
  },
  "says an offset beyond the region": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "OFFSET", -4);
  },
  "says a region that is not there": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "REGION", 1);
  },
  "begins a frame that has no end": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "FLAGS", DESCRIPTOR.NEXT);
  },
  "goes on in a piece beyond the region": ({ client }) => {
    send(client, 60, 1);
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "FLAGS", DESCRIPTOR.NEXT);
    new FoundRing(client, 0).setDescriptor(1, "OFFSET", -4);
  },
};

for (const [lie, tell] of Object.entries(LIES)) {
  test(`a memif server disconnects a client that ${lie}`, () => {
    using pair = new Pair();
    tell(pair);
    assertEquals(take(pair.server), []);
    assertMatch(pair.server.counters.link, /^down: an index or a descriptor out of range/);
    take(pair.client);
    assertMatch(pair.client.counters.link, /^down: the other end says: an index/);
    pair.settle();
    checkFrames(pair.client, pair.server, LENGTHS);
  });
}

test("a memif client disconnects a server that lies", () => {
  for (
    const tell of [
      (ring: FoundRing) => ring.setIndex(RING.TAIL, ring.index(RING.HEAD) + 1),
      (ring: FoundRing) => {
        ring.setDescriptor(0, "LENGTH", -1);
        ring.setIndex(RING.TAIL, 1);
      },
    ]
  ) {
    using pair = new Pair();
    tell(new FoundRing(pair.server, 1));
    assertEquals(take(pair.client), []);
    assertMatch(pair.client.counters.link, /^down: an index or a descriptor out of range/);
  }
});

test("a memif device that sends disconnects whoever lies of the room there is", () => {
  {
    using pair = new Pair({ ringSize: 8 });
    new FoundRing(pair.server, 0).setIndex(RING.TAIL, 100);
    // It looks when it has used what it knows of.
    for (let i = 0; i < 9; i++) send(pair.client, 60, 1);
    assertMatch(pair.client.counters.link, /^down: an index out of range/);
  }
  using pair = new Pair({}, { bufferSize: 128 });
  new FoundRing(pair.client, 1).setDescriptor(0, "OFFSET", -8);
  send(pair.server, 60, 1);
  assertMatch(pair.server.counters.link, /^down: a buffer out of range/);
});
