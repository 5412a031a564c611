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
  const { samples, rounds, starts, calibration } = await takeTurns({
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
  assertEquals([rounds, starts], [4, 2]);
  // One before each set of servers, and one after each turn.
  assertEquals(calibration.length, turns.length + starts);
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
  const options = {
    machine,
    subjects: [subject("one"), subject("two")],
    effort,
    workload: failing,
  };
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
  const measured: string[] = [];
  const { samples, rounds, turns, counting, retaken } = await takeTurns({
    ...alone,
    subjects: [subject("one"), subject("two")],
    workload: {
      ...idle,
      parts: [{
        name: "a",
        measure: ({ round, subject: { name } }) => {
          measured.push(`${round} ${name}`);
          return Promise.resolve([{ throughput: measured.length }]);
        },
      }],
    },
    // Before the first turn and after three; in the fourth one it moves, and is waited for.
    calibrate: moving(NEAR, NEAR, NEAR, NEAR, FAR, FAR, NEAR),
  });
  assertEquals(measured.slice(0, 6), ["0 one", "0 two", "1 one", "1 two", "1 two", "2 one"]);
  assertEquals([rounds, turns, counting, retaken], [4, 8, 8, 1]);
  assertEquals(samples.map(({ throughput }) => throughput), [1, 2, 3, 5, 6, 7, 8, 9]);
  assertEquals(samples.every(({ steady, phase }) => steady && phase!.cacheLine === NEAR), true);
});

test("takeTurns() takes a turn twice at most where phases are coarse", async () => {
  const { samples, rounds, retaken } = await takeTurns({
    ...alone,
    workload: idle,
    // The third round moves and comes back for ever.
    calibrate: moving(NEAR, NEAR, NEAR, FAR, NEAR, FAR, NEAR),
  });
  assertEquals(samples.map(({ steady }) => steady), [true, true, false, true, true]);
  assertEquals([rounds, retaken], [5, 1]);
});

test("takeTurns() goes on where the machine does not come back, for twice as many rounds at most", async () => {
  const { samples, rounds, starts, calibration, retaken } = await takeTurns({
    ...alone,
    workload: idle,
    calibrate: moving(NEAR, NEAR, NEAR, NEAR, FAR, 10 * FAR, 20 * FAR, FAR),
  });
  // Three were near; what it was most of the time is where it is in the end.
  assertEquals(samples.map(({ steady }) => steady), [
    ...[false, false, false],
    ...[false, true, true, true, true],
  ]);
  assertEquals([rounds, starts, retaken], [8, 1, 0]);
  assertEquals(calibration.length, 1 + rounds + 50, "it waits once");
});

test("takeTurns() ends after twice as many rounds where the machine never stands still", async () => {
  let cacheLine = 1;
  const { samples, rounds, counting } = await takeTurns({
    ...alone,
    workload: idle,
    calibrate: () => Promise.resolve({ cacheLine: cacheLine *= 10 }),
  });
  assertEquals([rounds, samples.length, counting], [8, 8, 0]);
});

test("takeTurns() measures again only what has not enough turns that count", async () => {
  const { samples, rounds, retaken } = await takeTurns({
    ...alone,
    effort: { ...alone.effort, rounds: 1 },
    workload: { ...workload(() => Promise.resolve()), phases: "coarse" },
    // It moves in part b, and comes back when it is not waited for any more.
    calibrate: moving(NEAR, NEAR, FAR, ...Array(50).fill(FAR), NEAR),
  });
  assertEquals(samples.map(({ round, variant, steady }) => `${round}${variant} ${steady}`), [
    ...["0a true", "0b false", "1b true"],
  ]);
  assertEquals([rounds, retaken], [2, 1]);
});

test("takeTurns() counts the fastest phase once it was met", async () => {
  const [slow, fast] = [8_600, 7_700];
  let made = 0;
  const { samples, rounds, retaken } = await takeTurns({
    ...alone,
    workload: { ...idle, phases: "fine" },
    // Two rounds are slow, and the third one moves.
    calibrate: () => Promise.resolve({ cacheLine: NEAR, loopback: made++ < 3 ? slow : fast }),
  });
  assertEquals(samples.map(({ phase, steady }) => [phase?.loopback, steady]), [
    ...[[slow, false], [slow, false], [undefined, false]],
    ...[[fast, true], [fast, true], [fast, true], [fast, true]],
  ]);
  assertEquals([rounds, retaken], [7, 0]);
});

test("takeTurns() makes rounds until the ratios are precise, where that is wanted", async () => {
  const until = (enough: number, precision?: number) =>
    takeTurns({
      ...alone,
      effort: { ...alone.effort, fresh: 2, ...(precision === undefined ? {} : { precision }) },
      calibrate: moving(NEAR),
      workload: {
        ...idle,
        phases: "fine",
        ratios: (samples) => {
          const rounds = samples.figures({ subject: "one" }, () => 1).size;
          const [low, high] = rounds < enough ? [0.9, 1.1] : [0.98, 1.02];
          const ratio = { median: 1, min: 0, max: 2, met: true };
          return [
            { ...ratio, label: "x / y", low, high },
            // Without a target it does not matter.
            { label: "y / z", median: 1, min: 0, max: 2 },
          ];
        },
      },
    });
  const made = async (...of: Parameters<typeof until>) => (await until(...of)).rounds;
  assertEquals(await made(9), 4);
  assertEquals(await made(6, 0.025), 6);
  // Twice as many as were wanted have to do.
  assertEquals(await made(99, 0.025), 8);
});
