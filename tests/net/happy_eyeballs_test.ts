/**
 * RFC 8305 in steps: a race whose look-ups, attempts and delays end when the test says so.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Race } from "../../libos/net/happy_eyeballs.ts";
import type { Family } from "../../libos/net/names.ts";

/** Something that goes on until the test, or the race, ends it. */
class Pending<T> implements PromiseLike<T> {
  cancelled = false;
  readonly #settle = Promise.withResolvers<T>();

  then<A, B>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#settle.promise.then(resolved, rejected);
  }

  /** Ends it, and lets the race go on. */
  async end(value: T): Promise<void> {
    this.#settle.resolve(value);
    await settled();
  }

  /** As {@linkcode Pending.end}, when it fails. */
  async fail(error: unknown): Promise<void> {
    this.#settle.reject(error);
    await settled();
  }

  cancel(): void {
    this.cancelled = true;
    this.#settle.reject(new Error("cancelled"));
  }
}

/** All microtasks that are due have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A race, and all that it asked for. */
class Course {
  readonly lookUps = new Map<Family, Pending<string[]>>();
  readonly attempts = new Map<string, Pending<string>>();
  readonly sleeps: { readonly milliseconds: number; readonly sleep: Pending<void> }[] = [];
  readonly closed: string[] = [];
  readonly race: Race<string>;

  constructor(families: Family[] = [6, 4]) {
    this.race = new Race<string>({
      families,
      lookUp: (family) => made(this.lookUps, family, new Pending<string[]>()),
      attempt: (address) => {
        if (address === "nonsense") throw new Error("nonsense");
        return made(this.attempts, address, new Pending<string>());
      },
      sleep: (milliseconds) => {
        const sleep = new Pending<void>();
        this.sleeps.push({ milliseconds, sleep });
        return sleep;
      },
      close: (loser) => void this.closed.push(loser),
    });
    // Not all tests ask who won.
    this.race.winner.catch(() => {});
    this.race.begin();
  }

  /** The addresses that were tried, in order. */
  get tried(): string[] {
    return [...this.attempts.keys()];
  }

  /** The delays that are under way. */
  get delays(): number[] {
    return this.sleeps.filter(({ sleep }) => !sleep.cancelled).map((one) => one.milliseconds);
  }

  /** A delay is over. */
  async wake(): Promise<void> {
    const at = this.sleeps.findIndex(({ sleep }) => !sleep.cancelled);
    await this.sleeps.splice(at, 1)[0]!.sleep.end();
  }

  answer(family: Family, ...addresses: string[]): Promise<void> {
    return this.lookUps.get(family)!.end(addresses);
  }

  connect(address: string): Promise<void> {
    return this.attempts.get(address)!.end(address);
  }

  fail(address: string): Promise<void> {
    return this.attempts.get(address)!.fail(new Error(`no ${address}`));
  }
}

function made<K, V>(map: Map<K, V>, key: K, value: V): V {
  map.set(key, value);
  return value;
}

Deno.test("a race asks for both families, and tries the first address of IPv6 at once", async () => {
  const course = new Course();
  assertEquals([...course.lookUps.keys()], [6, 4]);
  await course.answer(6, "a6", "b6");
  assertEquals([course.tried, course.delays], [["a6"], [250]]);
  await course.answer(4, "a4");
  assertEquals(course.tried, ["a6"]);
  await course.connect("a6");
  assertEquals(await course.race.winner, "a6");
  assertEquals(course.delays, []);
});

Deno.test("a race lets the addresses of IPv4 wait for those of IPv6 for a while", async () => {
  const course = new Course();
  await course.answer(4, "a4");
  assertEquals([course.tried, course.delays], [[], [50]]);
  await course.answer(6, "a6");
  assertEquals([course.tried, course.delays], [["a6"], [250]]);
  await course.connect("a6");
  assertEquals(await course.race.winner, "a6");
});

Deno.test("a race tries IPv4 when IPv6 does not answer, and takes its answer later", async () => {
  const course = new Course();
  await course.answer(4, "a4", "b4");
  await course.wake();
  assertEquals([course.tried, course.delays], [["a4"], [250]]);
  await course.answer(6, "a6");
  assertEquals(course.tried, ["a4"]);
  await course.wake();
  assertEquals(course.tried, ["a4", "a6"]);
  await course.connect("a4");
  assertEquals(await course.race.winner, "a4");
  assertEquals(course.attempts.get("a6")!.cancelled, true);
});

Deno.test("a race tries IPv4 at once when there is no address of IPv6", async () => {
  for (const end of [[], new Error("none")]) {
    const course = new Course();
    await course.answer(4, "a4");
    await (Array.isArray(end) ? course.answer(6) : course.lookUps.get(6)!.fail(end));
    assertEquals([course.tried, course.delays], [["a4"], [250]]);
    await course.connect("a4");
    assertEquals(await course.race.winner, "a4");
  }
});

Deno.test("a race tries families in turn: one by one as time goes by", async () => {
  const course = new Course();
  await course.answer(6, "a6", "b6", "c6");
  await course.answer(4, "a4");
  for (let i = 0; i < 3; i++) await course.wake();
  assertEquals(course.tried, ["a6", "a4", "b6", "c6"]);
  await course.connect("b6");
  assertEquals(await course.race.winner, "b6");
  const losers = ["a6", "a4", "c6"].map((one) => course.attempts.get(one)!.cancelled);
  assertEquals(losers, [true, true, true]);
});

Deno.test("a race tries the next address at once when one fails", async () => {
  const course = new Course();
  await course.answer(6, "a6", "nonsense");
  await course.answer(4, "a4");
  await course.fail("a6");
  assertEquals([course.tried, course.delays], [["a6", "a4"], [250]]);
  await course.fail("a4");
  const error = await assertRejects(() => course.race.winner, Error);
  assertEquals([error.message, course.delays], ["nonsense", []]);
});

Deno.test("a race whose attempts all wait takes a late answer at once", async () => {
  const course = new Course();
  await course.answer(4, "a4");
  await course.wake();
  await course.wake();
  assertEquals(course.delays, []);
  await course.answer(6, "a6");
  assertEquals(course.tried, ["a4", "a6"]);
  course.race.abandon();
  await assertRejects(() => course.race.winner, Error, "abandoned");
});

Deno.test("a race is not lost as long as something may still win it", async () => {
  const course = new Course();
  await course.answer(6, "a6");
  await course.fail("a6");
  await course.answer(4, "a4");
  await course.connect("a4");
  assertEquals(await course.race.winner, "a4");
});

Deno.test("a race is lost with what the last look-up failed with, if nothing was tried", async () => {
  const course = new Course();
  await course.lookUps.get(6)!.fail(new Error("six"));
  await course.lookUps.get(4)!.fail(new Error("four"));
  await assertRejects(() => course.race.winner, Error, "four");
});

Deno.test("a race is lost with what an attempt failed with, whatever look-ups say", async () => {
  const course = new Course();
  await course.answer(6, "a6");
  await course.fail("a6");
  await course.lookUps.get(4)!.fail(new Error("four"));
  await assertRejects(() => course.race.winner, Error, "no a6");
});

Deno.test("a race closes a connection that comes too late", async () => {
  const course = new Course();
  await course.answer(6, "a6");
  await course.answer(4, "a4");
  await course.wake();
  const late = course.attempts.get("a6")!;
  // Both are connected before anybody looks.
  void course.attempts.get("a4")!.end("a4");
  await late.end("a6");
  assertEquals(await course.race.winner, "a4");
  assertEquals(course.closed, ["a6"]);
});

Deno.test("a race that is abandoned closes its winner, and ends everything else", async () => {
  const won = new Course();
  await won.answer(6, "a6");
  await won.connect("a6");
  won.race.abandon();
  await settled();
  assertEquals(won.closed, ["a6"]);

  const early = new Course();
  await early.answer(6, "a6");
  early.race.abandon();
  await assertRejects(() => early.race.winner, Error);
  assertEquals([early.attempts.get("a6")!.cancelled, early.delays], [true, []]);
  await early.answer(4, "a4");
  assertEquals(early.tried, ["a6"]);
});

Deno.test("a race asks for the families that it is given, and no others", async () => {
  const course = new Course([4]);
  assertEquals([...course.lookUps.keys()], [4]);
  await course.answer(4, "a4");
  assertEquals(course.tried, ["a4"]);
  await course.connect("a4");
  assertEquals(await course.race.winner, "a4");
});
