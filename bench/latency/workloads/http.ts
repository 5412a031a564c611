/**
 * HTTP: a few bytes and a kilobyte of JSON, on one connection, on some, on many, and pipelined.
 *
 * @module
 */
import { BenchmarkError } from "../../_harness/command_line.ts";
import { loadHttp, runClient } from "../../_harness/load.ts";
import { TemporaryFile } from "../../_harness/temporary_file.ts";
import { measureLoad } from "../measurement.ts";
import { type Figure, latency, throughput } from "../samples.ts";
import type { Measurement, Trial, Workload } from "../workload.ts";

/** How the server is asked: what for, on how many connections, and how many requests at once on each. */
const LOADS = [
  { path: "/", name: "hello", connections: 1, depth: 1 },
  { path: "/", name: "hello", connections: 16, depth: 1 },
  { path: "/", name: "hello", connections: 64, depth: 1 },
  { path: "/", name: "hello", connections: 16, depth: 16 },
  { path: "/json", name: "JSON", connections: 1, depth: 1 },
  { path: "/json", name: "JSON", connections: 64, depth: 1 },
] as const;

type Load = (typeof LOADS)[number];

/** Nobody answers so many in a second. */
const MOST = 1_000_000;

/** wrk counts in microseconds and whole seconds; the latter are the least that it runs. */
const SCRIPT = `
local text
init = function(args) text = string.rep(wrk.format(), tonumber(args[1])) end
request = function() return text end
done = function(summary, latency)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\\n{"operations":%d,"elapsed":%d,"wrong":%d,"min":%d,"mean":%f,"max":%d,"p50":%d,"p90":%d,"p99":%d,"p999":%d}\\n',
    summary.requests, summary.duration, wrong, latency.min, latency.mean, latency.max,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    -- It is 0 where the rank is beyond the last sample.
    math.max(latency:percentile(99), latency:percentile(99.9))))
end
`;

/** What the tiers of ours are to be, as parts of what Deno.serve is. */
const TARGETS = {
  "ours-fast": { p50: 0.4, throughput: 1, p99: 1 },
  "ours-fetch": { p50: 0.5, throughput: 0.8, p99: 1.2 },
};
const SERVE = "Deno.serve";

/** See the module's description. */
export const http: Workload = {
  id: "http",
  title: "HTTP",
  protocol: "http",
  subjects: ["deno-serve-http", "node-http", "bun-http", "ours-fast", "ours-fetch"],
  many: true,
  needs: "wrk",
  describe: () => "a second of wrk, or of our client where that is on a libOS, with each load",
  parts: LOADS.map((load) => ({
    name: nameOf(load),
    measure: async (trial) => [await measure(trial, load)],
  })),
  ratios: (samples) =>
    Object.entries(TARGETS).flatMap(([id, targets]) =>
      samples.named(id).flatMap((subject) =>
        LOADS.flatMap((load) => {
          const variant = nameOf(load);
          const ratio = (what: string, figure: Figure, target: object) =>
            samples.ratio({
              label: `${subject} / ${SERVE}: ${what}, ${variant}`,
              above: { subject, variant },
              below: { subject: SERVE, variant },
              figure,
              ...target,
            });
          if (load.connections === 1) return ratio("p50", latency("p50"), { atMost: targets.p50 });
          const many = load.connections === 64;
          return [
            ...ratio("requests/s", throughput, many ? { atLeast: targets.throughput } : {}),
            ...ratio("p99", latency("p99"), many ? { atMost: targets.p99 } : {}),
          ];
        })
      )
    ),
  notes: [
    "wrk's own part of a latency is in all of them, or our client's; P is the number of requests sent at once",
  ],
};

function nameOf({ name, connections, depth }: Load): string {
  return `${name}, ${connections} connection${connections === 1 ? "" : "s"}${
    depth === 1 ? "" : `, P=${depth}`
  }`;
}

async function measure(trial: Trial, load: Load): Promise<Measurement> {
  const { machine, server } = trial;
  const { hostname, client } = server.route;
  if (client !== undefined) {
    const { path, connections, depth: pipeline } = load;
    const ours = { path, connections, pipeline, iterations: MOST, timeLimit: 1000 };
    return await measureLoad(trial, { variant: nameOf(load) }, loadHttp, ours);
  }
  using script = new TemporaryFile(SCRIPT);
  const url = `http://${hostname}:${server.port}${load.path}`;
  const flags = ["-t1", `-c${load.connections}`, "-d1", "-s", script.path];
  const argv = ["wrk", ...flags, url, "--", `${load.depth}`];
  const stdout = await runClient(machine, server, argv);
  const line = stdout.split("\n").find((line) => line.startsWith("{"));
  if (line === undefined) throw new BenchmarkError(`Cannot measure ${server.name}: ${stdout}`);
  const { operations, elapsed, wrong, ...microseconds } = JSON.parse(line);
  if (wrong > 0) throw new BenchmarkError(`${server.name} answered ${wrong} requests wrongly`);
  const times = Object.entries(microseconds as Record<string, number>)
    .map(([name, time]) => [name, time * 1000]);
  return {
    variant: nameOf(load),
    // wrk times what is sent at once as one, and counts it as many: its ranks are wrong then.
    ...(load.depth === 1 ? { latency: { count: operations, ...Object.fromEntries(times) } } : {}),
    throughput: operations / elapsed * 1e6,
  };
}
