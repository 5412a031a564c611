import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { chooseRounds, interleave, steady } from "../../bench/_harness/rounds.ts";
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
  const { made, samples, notes } = await interleave(machine, { rounds: 2 }, steps([]));
  const kept = samples.get("A")!.length;
  assertEquals(kept === 2 || made === 4, true);
  assertEquals(notes.length, kept === made && kept === 2 ? 0 : 1);
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

Deno.test("steady() drops rounds of another phase than most, unless there are no phases", () => {
  const rounds = [[100, 105], [490, 500], [110, 100], [100, 490]].map((lines) => ({
    calibration: lines.map((cacheLine) => ({ cacheLine })),
  }));
  const steadyOf = (phases?: "none") => steady(rounds, phases).map(({ steady }) => steady);
  assertEquals(steadyOf(), [true, false, true, false]);
  assertEquals(steadyOf("none"), [true, true, true, true]);
});

Deno.test("chooseRounds() says how many rounds were dropped, or that none was steady", () => {
  const [steady, moved] = [{ steady: true }, { steady: false }];
  assertMatch(
    chooseRounds([steady, moved, steady]).notes[0]!,
    /In 1 of 3 rounds .* these were dropped/,
  );
  assertMatch(chooseRounds([moved]).notes[0]!, /EVERY round/);
  assertEquals(chooseRounds([]), { kept: [], notes: [] });
});
