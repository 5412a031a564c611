import { assertEquals } from "@std/assert";
import { assertSpyCalls, spy } from "@std/testing/mock";
import fc from "npm:fast-check@4.10.0";
import { Timer, TimerHeap } from "../../../libos/runtime/scheduler/timers.ts";

const TIMERS = 12;

/** What a timer does when it fires: arms another, or itself, so much later, or disarms it. */
type Reaction = { readonly other: number; readonly delay: number | null };

type Step =
  | { readonly call: "arm"; readonly timer: number; readonly deadline: number }
  | { readonly call: "disarm"; readonly timer: number }
  | { readonly call: "fire"; readonly after: number };

const index = fc.nat({ max: TIMERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ call: fc.constant("arm" as const), timer: index, deadline: fc.nat(40) }),
    weight: 4,
  },
  { arbitrary: fc.record({ call: fc.constant("disarm" as const), timer: index }), weight: 1 },
  { arbitrary: fc.record({ call: fc.constant("fire" as const), after: fc.nat(6) }), weight: 2 },
);
const reaction: fc.Arbitrary<Reaction | null> = fc.option(
  fc.record({ other: index, delay: fc.option(fc.integer({ min: 0, max: 5 })) }),
);

/** The timers as a list that is searched each time. */
class NaiveTimers {
  readonly armed = new Map<number, { deadline: number; sequence: number }>();
  readonly fired: number[] = [];
  readonly #reactions: readonly (Reaction | null)[];
  #sequence = 0;

  constructor(reactions: readonly (Reaction | null)[]) {
    this.#reactions = reactions;
  }

  get deadline(): number {
    return Math.min(Infinity, ...[...this.armed.values()].map(({ deadline }) => deadline));
  }

  arm(timer: number, deadline: number): void {
    this.armed.set(timer, { deadline, sequence: this.#sequence++ });
  }

  fire(now: number): number {
    const before = this.#sequence;
    for (let count = 0;; count++) {
      const [next] = [...this.armed]
        .filter(([, { deadline, sequence }]) => deadline <= now && sequence < before)
        .sort(([, a], [, b]) => a.deadline - b.deadline || a.sequence - b.sequence);
      if (next === undefined) return count;
      const [timer] = next;
      this.armed.delete(timer);
      this.fired.push(timer);
      const reaction = this.#reactions[timer] ?? null;
      if (reaction === null) continue;
      if (reaction.delay === null) this.armed.delete(reaction.other);
      else this.arm(reaction.other, now + reaction.delay);
    }
  }
}

Deno.test("TimerHeap fires what a sorted list would, in any history", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.array(reaction, { minLength: TIMERS, maxLength: TIMERS }),
      (steps, reactions) => {
        let now = 0;
        const naive = new NaiveTimers(reactions);
        const heap = new TimerHeap();
        const fired: number[] = [];
        const timers = reactions.map((reaction, i) =>
          new Timer(() => {
            fired.push(i);
            if (reaction === null) return;
            const other = timers[reaction.other]!;
            if (reaction.delay === null) heap.disarm(other);
            else heap.arm(other, now + reaction.delay);
          })
        );
        for (const step of steps) {
          if (step.call === "arm") {
            heap.arm(timers[step.timer]!, step.deadline);
            naive.arm(step.timer, step.deadline);
          } else if (step.call === "disarm") {
            heap.disarm(timers[step.timer]!);
            naive.armed.delete(step.timer);
          } else {
            now += step.after;
            assertEquals(heap.fire(now), naive.fire(now));
          }
          assertEquals(fired, naive.fired);
          assertEquals(heap.size, naive.armed.size);
          assertEquals(heap.deadline, naive.deadline);
          assertEquals(timers.map(({ armed }) => armed), timers.map((_, i) => naive.armed.has(i)));
        }
      },
    ),
  );
});

Deno.test("TimerHeap.fire() fires equal deadlines in the order in which they were armed", () => {
  const heap = new TimerHeap();
  const fired: number[] = [];
  const timers = Array.from({ length: 100 }, (_, i) => new Timer(() => fired.push(i)));
  for (const timer of timers) heap.arm(timer, 5);
  assertEquals(heap.fire(5), 100);
  assertEquals(fired, timers.map((_, i) => i));
});

Deno.test("TimerHeap.arm() puts a timer that is armed again behind its equals", () => {
  const heap = new TimerHeap();
  const fired: string[] = [];
  const a = new Timer(() => fired.push("a"));
  const b = new Timer(() => fired.push("b"));
  heap.arm(a, 5);
  heap.arm(b, 5);
  heap.arm(a, 5);
  heap.fire(5);
  assertEquals(fired, ["b", "a"]);
  assertEquals(heap.size, 0);
});

Deno.test("TimerHeap.fire() fires once a timer that arms itself for a time that is past", () => {
  const heap = new TimerHeap();
  const again = spy(() => heap.arm(timer, 1));
  const timer: Timer = new Timer(again);
  heap.arm(timer, 1);
  assertEquals(heap.fire(10), 1);
  assertSpyCalls(again, 1);
  assertEquals(timer.armed, true);
  assertEquals(heap.fire(10), 1);
});

Deno.test("TimerHeap.fire() fires all that were due, although one of them arms itself for the past", () => {
  const heap = new TimerHeap();
  const fired: string[] = [];
  const again: Timer = new Timer(() => {
    fired.push("again");
    heap.arm(again, 1);
  });
  heap.arm(again, 1);
  heap.arm(new Timer(() => fired.push("other")), 2);
  assertEquals(heap.fire(10), 2);
  assertEquals(fired, ["again", "other"]);
});

Deno.test("TimerHeap.fire() does not fire a timer that another one disarmed", () => {
  const heap = new TimerHeap();
  const victim = new Timer(() => {
    throw new Error("it was disarmed");
  });
  heap.arm(new Timer(() => heap.disarm(victim)), 1);
  heap.arm(victim, 2);
  assertEquals(heap.fire(3), 1);
  assertEquals(victim.armed, false);
});

Deno.test("TimerHeap.disarm() does nothing to a timer that is not armed", () => {
  const heap = new TimerHeap();
  const timer = new Timer(() => {});
  heap.disarm(timer);
  heap.arm(timer, 1);
  heap.fire(1);
  heap.disarm(timer);
  assertEquals(heap.size, 0);
  assertEquals(heap.deadline, Infinity);
});
