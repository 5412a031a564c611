/**
 * The cost of `Session.feed()` for small keys and values, alone and in pipelines of 16.
 *
 * The requests are those of `redis-benchmark -t set,get -r 10000`: keys of 16 bytes, values of 3.
 *
 * Run: `deno bench -A bench/kv_bench.ts`; divide the time of a batch by its requests.
 *
 * @module
 */
import { Session, Store } from "../examples/kv/mod.ts";

const KEYS = 10_000;
/** Batches made beforehand, so that a run meets many keys. */
const BATCHES = 1000;

/** Requests as a client would send them: `depth` to a batch, each with the next of the keys. */
function batches(depth: number, request: (key: string) => string): Uint8Array[] {
  let number = 0;
  return Array.from({ length: BATCHES }, () => {
    const requests = Array.from({ length: depth }, () => {
      number = (number + 7919) % KEYS;
      return request(`key:${String(number).padStart(12, "0")}`);
    });
    return new TextEncoder().encode(requests.join(""));
  });
}

const set = (key: string) => `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$3\r\nxxx\r\n`;
const get = (key: string) => `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`;

const session = new Session(new Store());
for (const batch of batches(16, set)) session.feed(batch);

for (const [name, request] of [["SET", set], ["GET", get]] as const) {
  for (const depth of [1, 16]) {
    const prepared = batches(depth, request);
    let next = 0;
    Deno.bench(`${name} P=${depth}`, { group: `P=${depth}` }, () => {
      session.feed(prepared[next]!);
      session.reply.reset();
      next = (next + 1) % BATCHES;
    });
  }
}
