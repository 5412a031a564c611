/**
 * Memory of open connections, and whether it comes back when they close. The server is read idle, with the connections
 * open, again after some seconds of light traffic on other connections, and when they have closed; the first and the last
 * time after a collection of all garbage, too.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { holdConnections } from "../../_harness/connections.ts";
import { type Memory, memoryOf } from "../../_harness/process_usage.ts";
import { collectable } from "../../_harness/targets.ts";
import type { Measurement, Trial, Workload } from "../workload.ts";

const COUNT = 5_000;
const ECHOES = 4;
const LIGHT_TRAFFIC_S = 5;
const LATER = "open, later";

/** See the module's description. */
export const memory: Workload = {
  id: "memory",
  title: `Memory with ${COUNT} open connections`,
  protocol: "tcp",
  subjects: ["c-epoll", "deno-listen", "ours-generator", "ours-iterator"],
  many: true,
  client: "loopback",
  // Bytes are the same wherever the host has put the cores.
  phases: "none",
  fresh: true,
  prepare: collectable,
  rounds: () => 1,
  describe: () =>
    `${COUNT} connections, ${ECHOES} echoes on each; "later" is after ${LIGHT_TRAFFIC_S} s of light traffic on ` +
    "other, short-lived connections",
  parts: [{ name: "", measure }],
  ratios: (samples) => {
    const each = { subject: "Deno.listen", variant: LATER };
    return samples.ours.flatMap((subject) => [
      ...samples.value(
        `${subject}: KiB each`,
        { subject, variant: LATER },
        ({ server }) => server?.perConnection && server.perConnection / 1024,
        { atMost: 8 },
      ),
      ...samples.ratio({
        label: `${subject} / Deno.listen: per connection`,
        above: { subject, variant: LATER },
        below: each,
        figure: ({ server }) => server?.perConnection,
      }),
      ...samples.ratio({
        label: `${subject}: closed / idle, both collected`,
        above: { subject, variant: "closed, collected" },
        below: { subject, variant: "idle, collected" },
        figure: ({ server }) => server?.resident,
        atMost: 1.1,
      }),
    ]);
  },
  notes: [
    `KiB each is (${LATER}) - idle, shared out; socket buffers are the kernel's and not in it`,
    "Memory is the resident set of the process, code that was first run meanwhile included; anonymous is the part of " +
    "it that is no file's",
  ],
};

async function measure(trial: Trial): Promise<Measurement[]> {
  const { server } = trial;
  // The first few connections' pools belong to the idle process.
  await lightTraffic(trial, 2);
  const idle = await memoryOf(server.pid);
  const idleCollected = await memoryAfterCollection(trial);
  let open: Memory;
  let later: Memory;
  {
    await using _held = await holdConnections(server, COUNT, ECHOES);
    await pause(1_000);
    open = await memoryOf(server.pid);
    await lightTraffic(trial, LIGHT_TRAFFIC_S);
    later = await memoryOf(server.pid);
  }
  await pause(1_000);
  const closed = await memoryOf(server.pid);
  const closedCollected = await memoryAfterCollection(trial);
  await server.assertAlive();
  const perConnection = (later.resident - idle.resident) / COUNT;
  return [
    { variant: "idle", server: idle },
    { variant: "idle, collected", server: idleCollected },
    { variant: "open", server: open },
    { variant: LATER, server: { ...later, perConnection } },
    { variant: "closed", server: closed },
    { variant: "closed, collected", server: closedCollected },
  ];
}

/** C has no garbage, and does not know the signal. */
async function memoryAfterCollection({ server, subject }: Trial): Promise<Memory> {
  if (subject.runtime !== "c") Deno.kill(server.pid, "SIGUSR2");
  await pause(500);
  return await memoryOf(server.pid);
}

async function lightTraffic({ server }: Trial, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    await using _few = await holdConnections(server, 20, 100);
    await pause(100);
  }
}
