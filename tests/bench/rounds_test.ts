import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  interleave,
  judgeRounds,
  keepSteady,
  remarksOnDropped,
} from "../../bench/_harness/rounds.ts";
import { machine } from "./_load.ts";

function steps(log: string[]) {
  return ["A", "B"].map((name) => ({
    name,
    measure: (round: number) => {
      log.push(`${name}${round}`);
      return Promise.resolve(`${name}${round}`);
    },
  }));
}

Deno.test("interleave() measures every step once in each round, in turn", async () => {
  const log: string[] = [];
  const rounds = await interleave(machine, { rounds: 2, phases: "none" }, steps(log));
  assertEquals(log, ["A0", "B0", "A1", "B1"]);
  assertEquals([...rounds.samples], [["A", ["A0", "A1"]], ["B", ["B0", "B1"]]]);
  assertEquals(rounds.made, 2);
  assertEquals(rounds.notes, []);
});

Deno.test("interleave() reads the calibration before each step and after the last", async () => {
  const { calibration } = await interleave(machine, { rounds: 2, phases: "none" }, steps([]));
  assertEquals(calibration.length, 5);
});

Deno.test("interleave() makes as many steady rounds as were wanted, or twice as many in all", async () => {
  const after = async (...lines: readonly number[]) => {
    let made = 0;
    const calibrate = () =>
      Promise.resolve({ cacheLine: lines[Math.min(made++, lines.length - 1)]! });
    const rounds = await interleave(machine, { rounds: 2, calibrate }, steps([]));
    return [rounds.made, rounds.samples.get("A"), rounds.notes.length];
  };
  assertEquals(await after(100), [2, ["A0", "A1"], 0]);
  // The calibration moves in the first round.
  assertEquals(await after(100, 500, 100), [3, ["A1", "A2"], 1]);
  // It moves whenever it is read.
  assertEquals(await after(1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8), [
    ...[4, ["A0", "A1", "A2", "A3"], 1],
  ]);
});

Deno.test("interleave() makes a round whatever the time limit, and then no more", async () => {
  const options = { rounds: 9, phases: "none", timeLimit: 0 } as const;
  const { made } = await interleave(machine, options, steps([]));
  assertEquals(made, 1);
});

Deno.test("interleave() ends when a step fails", async () => {
  const log: string[] = [];
  const failing = { name: "dead", measure: () => Promise.reject(new Error("it died")) };
  const list = [failing, ...steps(log)];
  await assertRejects(() => interleave(machine, { rounds: 2 }, list), Error, "it died");
  assertEquals(log, []);
});

Deno.test("judgeRounds() drops rounds of another phase than most, unless there are no phases", () => {
  const rounds = [[100, 105], [490, 500], [110, 100], [100, 490]].map((lines) => ({
    calibration: lines.map((cacheLine) => ({ cacheLine })),
  }));
  const steadyOf = (phases: "coarse" | "none") =>
    judgeRounds(rounds, phases).map(({ steady }) => steady);
  assertEquals(steadyOf("coarse"), [true, false, true, false]);
  assertEquals(steadyOf("none"), [true, true, true, true]);
});

Deno.test("keepSteady() keeps what is steady, or all if nothing is", () => {
  const [steady, moved] = [{ steady: true }, { steady: false }];
  assertEquals(keepSteady([steady, moved, steady]), [steady, steady]);
  assertEquals(keepSteady([moved, moved]), [moved, moved]);
  assertEquals(keepSteady([]), []);
});

Deno.test("remarksOnDropped() says how many were dropped, or that none was steady", () => {
  assertMatch(remarksOnDropped("turns", 2, 3)[0]!, /^In 1 of 3 turns .* these were dropped$/);
  assertMatch(remarksOnDropped("rounds", 0, 3)[0]!, /EVERY one of the rounds/);
  assertEquals([remarksOnDropped("rounds", 3, 3), remarksOnDropped("rounds", 0, 0)], [[], []]);
});
