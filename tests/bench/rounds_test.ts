import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { chooseRounds, interleave } from "../../bench/_harness/rounds.ts";
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
  const rounds = await interleave(machine, { rounds: 2, phased: false }, steps(log));
  assertEquals(log, ["A0", "B0", "A1", "B1"]);
  assertEquals([...rounds.samples], [["A", ["A0", "A1"]], ["B", ["B0", "B1"]]]);
  assertEquals(rounds.history, [
    { samples: ["A0", "B0"], steady: true },
    { samples: ["A1", "B1"], steady: true },
  ]);
  assertEquals(rounds.notes, []);
});

Deno.test("interleave() reads the calibration before each step and after the last", async () => {
  const { calibration } = await interleave(machine, { rounds: 2, phased: false }, steps([]));
  assertEquals(calibration.length, 5);
});

Deno.test("interleave() makes as many steady rounds as were wanted, or twice as many in all", async () => {
  const { history, samples, notes } = await interleave(machine, { rounds: 2 }, steps([]));
  const steady = history.filter((round) => round.steady).length;
  assertEquals(steady === 2 || history.length === 4, true);
  assertEquals(samples.get("A")?.length, steady === 0 ? 4 : steady);
  assertEquals(notes.length, steady === history.length ? 0 : 1);
});

Deno.test("interleave() makes a round whatever the time limit, and then no more", async () => {
  const options = { rounds: 9, phased: false, timeLimit: 0 };
  const { history } = await interleave(machine, options, steps([]));
  assertEquals(history.length, 1);
});

Deno.test("interleave() ends when a step fails", async () => {
  const log: string[] = [];
  const failing = { name: "dead", measure: () => Promise.reject(new Error("it died")) };
  const list = [failing, ...steps(log)];
  await assertRejects(() => interleave(machine, { rounds: 2 }, list), Error, "it died");
  assertEquals(log, []);
});

Deno.test("chooseRounds() says how many rounds were dropped, or that none was steady", () => {
  const [steady, moved] = [{ steady: true }, { steady: false }];
  assertMatch(
    chooseRounds([steady, moved, steady]).notes[0]!,
    /in 1 of 3 rounds, which were dropped/,
  );
  assertMatch(chooseRounds([moved]).notes[0]!, /EVERY round/);
  assertEquals(chooseRounds([]), { kept: [], notes: [] });
});
