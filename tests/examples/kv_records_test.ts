/**
 * Records and the table that finds them, against a plain map; and what they take of the memory.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { Database, NONE } from "../../examples/kv/database.ts";
import { hashBytes } from "../../examples/kv/hash.ts";
import { KeyTable } from "../../examples/kv/key_table.ts";
import { Field, NOWHERE, Records } from "../../examples/kv/records.ts";
import { Span, spanOf } from "../../examples/kv/span.ts";

/** Whatever is free, and the tails and the head beside it. */
const SLACK = 2;
const FEW_SEGMENTS = 3 * 256 * 1024;

/** Records as a database keeps them, with hashes that often are the same. */
class Model {
  readonly records: Records = new Records((from, to) => this.#move(from, to));
  readonly table: KeyTable = new KeyTable(this.records);
  readonly expected: Map<string, string> = new Map();
  /** What all records take, in bytes. */
  size = 0;

  set(key: string, value: string, room = value.length): void {
    const [keySpan, valueSpan] = [spanOf(key), spanOf(value)];
    const { records, table } = this;
    this.delete(key);
    const place = records.make(keySpan, hashOf(key), value.length, room);
    records.set(place, Field.ORDER, 0);
    records.write(place, 0, valueSpan);
    table.reserve();
    table.add(place, hashOf(key));
    this.expected.set(key, value);
    this.size += records.size(place);
  }

  delete(key: string): void {
    const place = this.table.find(spanOf(key), hashOf(key));
    assertEquals(place !== NOWHERE, this.expected.delete(key));
    if (place === NOWHERE) return;
    this.size -= this.records.size(place);
    this.table.delete(place, hashOf(key));
    this.records.free(place);
  }

  check(): void {
    assertEquals(this.table.size, this.expected.size);
    for (const [key, value] of this.expected) {
      const place = this.table.find(spanOf(key), hashOf(key));
      assertEquals(this.records.key(place, new Span()).text(), key);
      assertEquals(this.records.value(place, new Span()).text(), value);
    }
    assertEquals(this.records.capacity <= SLACK * this.size + FEW_SEGMENTS, true);
  }

  #move(from: number, to: number): void {
    this.table.moved(from, to, this.records.get(to, Field.HASH));
  }
}

function hashOf(key: string): number {
  return (key.length * 0x9e3779b9) | 0;
}

const key = fc.integer({ min: 0, max: 40 }).map((i) => `${i}`.repeat(1 + i % 3));
const length = fc.oneof(
  fc.nat({ max: 100 }),
  fc.nat({ max: 20_000 }),
  fc.constantFrom(65_495, 65_496, 65_497, 65_536, 100_000, 300_000),
);
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, length, room: fc.nat({ max: 1000 }) }),
  fc.record({ do: fc.constant("delete" as const), key }),
);

Deno.test("Records hold what a map would when records of any size come and go", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400, size: "max" }), (steps) => {
      const model = new Model();
      for (const [i, one] of steps.entries()) {
        if (one.do === "delete") model.delete(one.key);
        else {
          const value = String.fromCharCode(i & 255).repeat(one.length);
          model.set(one.key, value, one.length + one.room);
        }
      }
      model.check();
      for (const key of [...model.expected.keys()]) model.delete(key);
      model.check();
    }),
    { numRuns: 60 },
  );
});

Deno.test("Records take no more memory when all values get another size, again and again", () => {
  const model = new Model();
  for (const length of [10, 100, 1000, 30, 300, 20]) {
    for (let i = 0; i < 3000; i++) model.set(`key:${i}`, "x".repeat(length));
    model.check();
  }
});

Deno.test("Records take little when one in twenty stays of each that come", () => {
  const model = new Model();
  for (let i = 0; i < 20_000; i++) {
    model.set(`key:${i}`, "x".repeat(i % 200));
    if (i % 20 !== 0) model.delete(`key:${i}`);
  }
  model.check();
});

Deno.test("KeyTable gives memory back when its keys are deleted", () => {
  const model = new Model();
  for (let i = 0; i < 1000; i++) model.set(`${i}`, "");
  for (let i = 0; i < 990; i++) model.delete(`${i}`);
  model.check();
});

Deno.test("Database holds what a map would when large values change their size and expire", () => {
  const keys = fc.nat({ max: 30 });
  const change = fc.oneof(
    fc.record({ do: fc.constantFrom("set", "append", "replace", "delete"), key: keys, length }),
    fc.record({ do: fc.constant("expire"), key: keys, length: fc.nat({ max: 100 }) }),
  );
  fc.assert(
    fc.property(fc.array(change, { minLength: 50, maxLength: 300, size: "max" }), (changes) => {
      const shared = { now: 0, expiredKeys: 0, hits: 0, misses: 0, memory: 0 };
      const database = new Database(shared);
      const model = new Map<number, string>();
      const deadlines = new Map<number, number>();
      for (const [i, { do: what, key, length }] of changes.entries()) {
        const name = spanOf(`key:${key}`);
        const text = String.fromCharCode(i & 255).repeat(length);
        const entry = database.find(name);
        assertEquals(entry !== NONE, model.has(key));
        if (what === "set") {
          database.set(name, spanOf(text));
          model.set(key, text);
          deadlines.delete(key);
        } else if (what === "delete") {
          database.delete(name);
          model.delete(key);
          deadlines.delete(key);
        } else if (entry !== NONE && what === "expire") {
          database.expireAt(entry, length);
          deadlines.set(key, length);
        } else if (entry !== NONE) {
          const now = what === "append"
            ? database.append(entry, spanOf(text))
            : database.replace(entry, spanOf(text));
          model.set(key, what === "append" ? model.get(key)! + text : text);
          assertEquals(database.value(now).length, model.get(key)!.length);
        }
      }
      const names: string[] = [];
      database.scan(0, Infinity, (entry) => names.push(database.key(entry).text()));
      assertEquals(names.sort(), Array.from(model.keys(), (key) => `key:${key}`).sort());
      for (const [key, text] of model) {
        const entry = database.find(spanOf(`key:${key}`));
        assertEquals(database.value(entry).text(), text);
        assertEquals(database.deadline(entry), deadlines.get(key));
      }
      shared.now = 50;
      for (const [key, deadline] of deadlines) if (deadline < 50) model.delete(key);
      database.collect(Infinity);
      assertEquals(database.size, model.size);
      for (const key of model.keys()) database.delete(spanOf(`key:${key}`));
      assertEquals([database.size, database.expiringSize, shared.memory], [0, 0, 0]);
    }),
    { numRuns: 60 },
  );
});

Deno.test("hashBytes() is HalfSipHash-1-3", () => {
  // Of a program in C that with 2 and 4 rounds gives the vectors of the reference implementation.
  // deno-fmt-ignore
  const expected = [
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
  ];
  const message = Uint8Array.from({ length: 12 }, (_, i) => i - 2);
  const hashes = expected.map((_, length) =>
    hashBytes(message, 2, 2 + length, 0x03020100, 0x07060504) >>> 0
  );
  assertEquals(hashes, expected);
});
