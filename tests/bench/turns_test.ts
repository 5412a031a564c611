/**
 * The turns of servers: who runs when, and for how long a server lives.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LOOPBACK, routed } from "../../bench/_harness/route.ts";
import type { Subject } from "../../bench/latency/subjects.ts";
import { takeTurns } from "../../bench/latency/turns.ts";
import type { Part, Trial, Workload } from "../../bench/latency/workload.ts";
import { tcpEcho } from "../../bench/latency/workloads/echo.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { machine, test } from "./_load.ts";

function subject(name: string, exclusive = false): Subject {
  const command = routed(fakeTcp(""), { ...LOOPBACK, exclusive });
  return { id: "c-spin", name, runtime: "c", many: true, command };
}

/** A workload whose parts do no more than call `measure`. */
function workload(measure: (part: string, trial: Trial) => Promise<void>): Workload {
  const parts = ["a", "b"].map((name): Part => ({
    name,
    measure: async (trial) => {
      await measure(name, trial);
      return [{ variant: name }];
    },
  }));
  return { ...tcpEcho, id: "test", rounds: ({ rounds }) => rounds, parts, phases: "none" };
}

const effort = { rounds: 4, sweepRounds: 1, fresh: 2, operations: 1, milliseconds: 1 };

/** The state of a process: "T" is stopped; empty if it is gone. */
async function stateOf(pid: number): Promise<string> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0]!;
  } catch {
    return "";
  }
}

test("takeTurns() lets one server run at a time, in turn, and starts all afresh as often as was said", async () => {
  const pids = new Map<string, Set<number>>();
  const turns: string[] = [];
  const subjects = [subject("one"), subject("two")];
  const { samples, rounds, sets, calibration } = await takeTurns({
    machine,
    subjects,
    effort,
    workload: workload(async (part, { subject, server, round }) => {
      turns.push(`${round}${part} ${subject.name}`);
      pids.set(subject.name, (pids.get(subject.name) ?? new Set()).add(server.pid));
      for (const pid of [...pids.values()].flatMap((of) => [...of])) {
        const state = await stateOf(pid);
        assertEquals(pid === server.pid ? state !== "T" && state !== "" : /^T?$/.test(state), true);
      }
    }),
  });
  // Parts take turns in being the first.
  assertEquals(turns.slice(0, 8), [
    ...["0a one", "0a two", "0b one", "0b two"],
    ...["1b one", "1b two", "1a one", "1a two"],
  ]);
  assertEquals(
    samples.map(({ round, variant, subject }) => `${round}${variant} ${subject}`),
    turns,
  );
  assertEquals(samples.every(({ steady, phase }) => steady && phase === undefined), true);
  assertEquals([rounds, sets], [4, 2]);
  // One before each set of servers, and one after each turn.
  assertEquals(calibration.length, turns.length + sets);
  assertEquals([pids.get("one")!.size, pids.get("two")!.size], [2, 2]);
  for (const pid of [...pids.values()].flatMap((of) => [...of])) {
    assertEquals(await stateOf(pid), "");
  }
});

test("takeTurns() starts a server for each turn where only one can be on the route", async () => {
  const pids = new Set<number>();
  await takeTurns({
    machine,
    subjects: [subject("alone", true)],
    effort: { ...effort, rounds: 1 },
    workload: workload((_, { server }) => {
      pids.add(server.pid);
      return Promise.resolve();
    }),
  });
  assertEquals(pids.size, 2);
});

test("takeTurns() ends all servers when a measurement fails", async () => {
  const pids: number[] = [];
  const failing = workload((_, { server }) => {
    pids.push(server.pid);
    return pids.length === 2 ? Promise.reject(new Error("wrong")) : Promise.resolve();
  });
  const options = { machine, subjects: [subject("one"), subject("two")], effort, workload: failing };
  await assertRejects(() => takeTurns(options), Error, "wrong");
  assertEquals(await Promise.all(pids.map(stateOf)), ["", ""]);
  assert(pids[0] !== pids[1]);
});

/** Says what the machine is like, one reading after the other; as the last one from then on. */
function moving(...lines: readonly number[]) {
  let made = 0;
  return () => Promise.resolve({ cacheLine: lines[Math.min(made++, lines.length - 1)]! });
}

const [NEAR, FAR] = [100, 500];
const alone = { machine, subjects: [subject("one")], effort: { ...effort, fresh: 1 } };
/** A workload of one part, which takes no time. */
const idle: Workload = {
  ...workload(() => Promise.resolve()),
  parts: [{ name: "a", measure: () => Promise.resolve([{}]) }],
  phases: "coarse",
};

test("takeTurns() takes a turn again when the machine moved meanwhile, once it is back", async () => {
  const { samples, rounds, turns, steady } = await takeTurns({
    ...alone,
    workload: idle,
    // Before the first round and after it; in the second one it moves, and is waited for.
    calibrate: moving(NEAR, NEAR, FAR, FAR, NEAR),
  });
  assertEquals([rounds, turns, steady], [4, 5, 4]);
  assertEquals(samples.map(({ round, steady }) => [round, steady]), [
    ...[[0, true], [1, false], [1, true]],
    ...[[2, true], [3, true]],
  ]);
  assertEquals(samples.map(({ phase }) => phase?.cacheLine), [NEAR, undefined, NEAR, NEAR, NEAR]);
});

test("takeTurns() goes on where the machine does not come back, for twice as many rounds at most", async () => {
  const { samples, rounds, calibration } = await takeTurns({
    ...alone,
    workload: idle,
    calibrate: moving(NEAR, NEAR, NEAR, NEAR, FAR),
  });
  // What it was most of the time is what it is after the wait.
  assertEquals(samples.map(({ steady }) => steady), [
    ...[false, false, false],
    ...[false, true, true, true, true],
  ]);
  assertEquals(rounds, 8);
  assert(calibration.length > rounds + 1, "it waited");
});

test("takeTurns() makes rounds until the ratios are precise, where that is wanted", async () => {
  const until = (enough: number, precision?: number) =>
    takeTurns({
      ...alone,
      effort: { ...alone.effort, ...(precision === undefined ? {} : { precision }) },
      calibrate: moving(NEAR),
      workload: {
        ...idle,
        phases: "fine",
        ratios: (samples) => {
          const rounds = samples.figures({ subject: "one" }, () => 1).size;
          const [low, high] = rounds < enough ? [0.9, 1.1] : [0.98, 1.02];
          return [{ label: "x / y", median: 1, min: 0, max: 2, low, high }];
        },
      },
    });
  const made = async (...of: Parameters<typeof until>) => (await until(...of)).rounds;
  assertEquals(await made(9), 4);
  assertEquals(await made(9, 0.025), 10);
  // Four times as many as were wanted have to do.
  assertEquals(await made(99, 0.025), 16);
});
