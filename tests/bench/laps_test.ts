/**
 * The turns of servers: who runs when, and for how long a server lives.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LOOPBACK, routed } from "../../bench/_harness/route.ts";
import { makeLaps } from "../../bench/latency/laps.ts";
import type { Subject } from "../../bench/latency/subjects.ts";
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

test("makeLaps() lets one server run at a time, in turn, and starts all afresh as often as was said", async () => {
  const pids = new Map<string, Set<number>>();
  const turns: string[] = [];
  const subjects = [subject("one"), subject("two")];
  const { laps, sets, calibration } = await makeLaps(machine, {
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
    laps.map(({ round, part }) => `${round}${part.name}`).join(),
    turns
      .filter((turn) => turn.endsWith("one")).map((turn) => turn.slice(0, 2)).join(),
  );
  assertEquals(laps[0]!.samples, [[{ variant: "a" }], [{ variant: "a" }]]);
  assertEquals(sets, 2);
  // One before each set of servers, and one after each turn.
  assertEquals(calibration.length, turns.length + sets);
  assertEquals([pids.get("one")!.size, pids.get("two")!.size], [2, 2]);
  for (const pid of [...pids.values()].flatMap((of) => [...of])) {
    assertEquals(await stateOf(pid), "");
  }
});

test("makeLaps() starts a server for each turn where only one can be on the route", async () => {
  const pids = new Set<number>();
  await makeLaps(machine, {
    subjects: [subject("alone", true)],
    effort: { ...effort, rounds: 1 },
    workload: workload((_, { server }) => {
      pids.add(server.pid);
      return Promise.resolve();
    }),
  });
  assertEquals(pids.size, 2);
});

test("makeLaps() ends all servers when a measurement fails", async () => {
  const pids: number[] = [];
  const failing = workload((_, { server }) => {
    pids.push(server.pid);
    return pids.length === 2 ? Promise.reject(new Error("wrong")) : Promise.resolve();
  });
  const options = { subjects: [subject("one"), subject("two")], effort, workload: failing };
  await assertRejects(() => makeLaps(machine, options), Error, "wrong");
  assertEquals(await Promise.all(pids.map(stateOf)), ["", ""]);
  assert(pids[0] !== pids[1]);
});
