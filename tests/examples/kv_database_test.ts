/**
 * The keyspace: against a plain map, over random histories.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { Database, NONE, type Shared } from "../../examples/kv/database.ts";
import { Store } from "../../examples/kv/mod.ts";
import { spanOf } from "../../examples/kv/span.ts";

function newShared(): Shared {
  return { now: 1000, expiredKeys: 0, hits: 0, misses: 0, memory: 0 };
}

function keysOf(database: Database): string[] {
  return Array.from(database.entries(), (entry) => database.key(entry).text());
}

/** Scans to the end, doing `between` after each step; gives what was visited. */
function scanAll(database: Database, count: number, between: () => void = () => {}): string[] {
  const visited: string[] = [];
  let cursor = 0;
  do {
    cursor = database.scan(cursor, count, (entry) => visited.push(database.key(entry).text()));
    between();
  } while (cursor !== 0);
  return visited;
}

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({
    do: fc.constant("set" as const),
    key,
    value: fc.uint8Array({ maxLength: 300 }).map((array) => String.fromCharCode(...array)),
  }),
  fc.record({
    do: fc.constant("replace" as const),
    key,
    value: fc.uint8Array({ maxLength: 300 }).map((array) => String.fromCharCode(...array)),
  }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("expire" as const), key, after: fc.nat({ max: 50 }) }),
  fc.record({ do: fc.constant("persist" as const), key }),
  fc.record({ do: fc.constant("pass" as const), time: fc.nat({ max: 30 }) }),
  fc.record({ do: fc.constant("collect" as const), budget: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant("clear" as const) }),
);

Deno.test("Database holds what a map with deadlines would when it is used in any order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const shared = newShared();
      const database = new Database(shared);
      const model = new Map<string, { value: string; deadline: number }>();
      for (const one of steps) {
        for (const [key, { deadline }] of model) if (deadline < shared.now) model.delete(key);
        switch (one.do) {
          case "set":
            database.set(spanOf(one.key), spanOf(one.value));
            model.set(one.key, { value: one.value, deadline: Infinity });
            break;
          case "replace": {
            const entry = database.find(spanOf(one.key));
            assertEquals(entry !== NONE, model.has(one.key));
            if (entry === NONE) break;
            database.replace(entry, spanOf(one.value));
            model.get(one.key)!.value = one.value;
            break;
          }
          case "delete":
            assertEquals(database.delete(spanOf(one.key)), model.delete(one.key));
            break;
          case "expire": {
            const entry = database.find(spanOf(one.key));
            if (entry === NONE) break;
            database.expireAt(entry, shared.now + one.after);
            model.get(one.key)!.deadline = shared.now + one.after;
            break;
          }
          case "persist": {
            const entry = database.find(spanOf(one.key));
            if (entry === NONE) break;
            const known = model.get(one.key)!;
            assertEquals(database.persist(entry), known.deadline !== Infinity);
            known.deadline = Infinity;
            break;
          }
          case "pass":
            shared.now += one.time;
            break;
          case "collect":
            assertEquals(database.collect(one.budget) <= one.budget, true);
            break;
          case "clear":
            database.clear();
            model.clear();
        }
      }
      for (const [key, { deadline }] of model) if (deadline < shared.now) model.delete(key);
      assertEquals(keysOf(database).sort(), [...model.keys()].sort());
      assertEquals(scanAll(database, 2).sort(), [...model.keys()].sort());
      for (const [key, { value, deadline }] of model) {
        const entry = database.find(spanOf(key));
        assertEquals(database.value(entry).text(), value);
        assertEquals(database.deadline(entry) ?? Infinity, deadline);
      }
      // All that has expired is collected at once, and what is left is what counts.
      database.collect(Infinity);
      assertEquals(database.size, model.size);
      for (const key of [...model.keys()]) database.delete(spanOf(key));
      assertEquals([database.size, database.expiringSize, shared.memory], [0, 0, 0]);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("Database.scan() visits every key that stays when others come and go meanwhile", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 60 })), { maxLength: 5 })),
      (stay, count, changes) => {
        const database = new Database(newShared());
        const staying = Array.from({ length: stay }, (_, i) => `stay:${i}`);
        for (const key of staying) database.set(spanOf(key), spanOf(""));
        for (let i = 0; i < 20; i++) database.set(spanOf(`go:${i}`), spanOf(""));
        const visited = scanAll(database, count, () => {
          for (const [come, number] of changes.pop() ?? []) {
            if (come) database.set(spanOf(`go:${number}`), spanOf(""));
            else database.delete(spanOf(`go:${number}`));
          }
        });
        const seen = new Set(visited);
        assertEquals(staying.filter((key) => !seen.has(key)), []);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("Database.scan() visits each key once when nothing changes", () => {
  const database = new Database(newShared());
  for (let i = 0; i < 100; i++) database.set(spanOf(`${i}`), spanOf(""));
  for (const count of [1, 7, 100, 1000, Infinity]) {
    assertEquals(new Set(scanAll(database, count)).size, 100);
    assertEquals(scanAll(database, count).length, 100);
  }
});

Deno.test("Database.scan() begins at the end when the cursor is beyond it", () => {
  const database = new Database(newShared());
  database.set(spanOf("a"), spanOf(""));
  const visited: string[] = [];
  const visit = (entry: number) => visited.push(database.key(entry).text());
  assertEquals(database.scan(5, 10, visit), 0);
  assertEquals(visited, ["a"]);
  // No scan of a database can give such a cursor, however many keys there were.
  assertEquals(database.scan(2 ** 64, 10, visit), 0);
  assertEquals(visited, ["a"]);
});

Deno.test("Database.find() finds a key through its last millisecond, and not after", () => {
  const shared = newShared();
  const database = new Database(shared);
  database.expireAt(database.set(spanOf("k"), spanOf("v")), 1500);
  shared.now = 1500;
  assertEquals(database.value(database.find(spanOf("k"))).text(), "v");
  shared.now = 1501;
  assertEquals(database.size, 1);
  assertEquals(database.find(spanOf("k")), NONE);
  assertEquals([database.size, shared.expiredKeys], [0, 1]);
});

Deno.test("Database.collect() deletes the soonest first when its budget is small", () => {
  const shared = newShared();
  const database = new Database(shared);
  for (const [i, deadline] of [30, 10, 20, 50, 40].entries()) {
    database.expireAt(database.set(spanOf(`${i}`), spanOf("")), deadline);
  }
  assertEquals(database.collect(2), 2);
  shared.now = 0;
  assertEquals(keysOf(database).sort(), ["0", "3", "4"]);
});

Deno.test("Store.expireCycle() shares one budget when several databases have expired keys", () => {
  const store = new Store({ clock: () => 1000 });
  for (const database of store.databases.slice(0, 3)) {
    for (let i = 0; i < 10; i++) database.expireAt(database.set(spanOf(`${i}`), spanOf("")), 1001);
  }
  assertEquals(store.expireCycle(1001, 25), 0);
  assertEquals(store.expireCycle(1002, 25), 25);
  assertEquals(store.expireCycle(1002, 25), 5);
});

Deno.test("Store.resetStatistics() keeps what is not a count of events", () => {
  const store = new Store();
  store.databases[0]!.set(spanOf("k"), spanOf("v"));
  const { memory } = store.statistics;
  store.statistics.hits = 5;
  store.resetStatistics();
  assertEquals([store.statistics.hits, store.statistics.memory], [0, memory]);
});

Deno.test("Database.set() throws when the database is full, and not for a key that is there", () => {
  const database = new Database(newShared(), 3);
  for (const key of ["a", "b", "c"]) database.set(spanOf(key), spanOf(""));
  assertThrows(
    () => database.set(spanOf("d"), spanOf("")),
    Error,
    "OOM command not allowed: a database holds at",
  );
  database.set(spanOf("a"), spanOf("again"));
  assertEquals(database.delete(spanOf("b")), true);
  database.set(spanOf("d"), spanOf(""));
  assertEquals(keysOf(database).sort(), ["a", "c", "d"]);
});
