/**
 * What else goes on in a process that has a libOS: a server of Deno's own, requests to it, timers and files, beside
 * none, beside one that is idle, and beside one that is busy with an echo.
 *
 * @module
 */
import { loadEcho, loadHttp } from "../../_harness/load.ts";
import { Histogram } from "../../_harness/histogram.ts";
import { during, measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import { type Measurement, oneRoundIn, type Part, type Trial, type Workload } from "../workload.ts";

const ALONE = "Deno.serve alone";
const SERVE = "Deno.serve";
/** What the server measures itself: its name in a URL, and in tables. */
const WITHIN = { fetch: "fetch", setTimeout: "setTimeout(1), late", readFile: "Deno.readFile" };
const VARIANTS = [SERVE, ...Object.values(WITHIN)];
const BUSY = "ours-busy";
/** The echo is measured for so long before and after the rest, in milliseconds: its client has to start. */
const MARGIN_MS = 75;

/** See the module's description. */
export const alongside: Workload = {
  id: "alongside",
  title: "Deno's own work in a process with a libOS",
  protocol: "http",
  subjects: ["deno-serve", "ours-idle", BUSY],
  idle: ["spin", "adaptive"],
  client: "loopback",
  rounds: oneRoundIn(32),
  describe: ({ milliseconds }) =>
    `${milliseconds} ms of requests to Deno.serve, and as much of each of the others, measured within the process; ` +
    "one after the other",
  parts: [
    { name: SERVE, measure: measureServe },
    ...Object.entries(WITHIN).map(([path, variant]): Part => ({
      name: variant,
      measure: (trial) => measureWithin(trial, path, variant),
    })),
  ],
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      VARIANTS.flatMap((variant) => {
        const isBusy = samples.named(BUSY).includes(subject);
        const spins = subject.includes("spin");
        const target = isBusy ? { atMost: 2 } : spins ? { atMost: 1.5 } : {};
        return (["p50", "mean"] as const).flatMap((key) =>
          samples.each([subject], [ALONE], `: ${key}, ${variant}`, {
            variant,
            figure: latency(key),
            ...(key === "p50" ? target : {}),
          })
        );
      })
    ),
  notes: [
    "The libOS that is busy echoes 64 bytes, one at a time on one connection, as fast as it goes; the idle one listens",
    "What comes in bursts while the echo has a gap is most of a median; the mean tells of the rest",
    "Deno.serve is asked by a C client that polls, the others are measured within the process of the server",
  ],
};

async function measureServe(trial: Trial): Promise<Measurement[]> {
  const load = { ...during(trial.effort.milliseconds), echoPort: echoPortOf(trial) };
  return [await measureLoad(trial, { variant: SERVE }, loadHttp, load)];
}

async function measureWithin(
  trial: Trial,
  path: string,
  variant: string,
): Promise<Measurement[]> {
  const { server, effort: { milliseconds } } = trial;
  const port = echoPortOf(trial);
  const url = `http://127.0.0.1:${server.port}/${path}?milliseconds=${milliseconds}`;
  const measure = async (): Promise<Measurement> => {
    const times: number[] = await (await fetch(url)).json();
    return { variant, latency: Histogram.of(times).figures() };
  };
  if (port === undefined) return [await measure()];
  const timeLimit = milliseconds + 2 * MARGIN_MS;
  const load = { port, ...during(timeLimit) };
  const echo = measureLoad(trial, { variant: `echo, beside ${variant}` }, loadEcho, load);
  const begin = new Promise((resolve) => setTimeout(resolve, timeLimit + MARGIN_MS));
  const [ofEcho, within] = await Promise.all([echo, begin.then(measure)]);
  return [within, ofEcho];
}

/** The port of the echo that goes on meanwhile, if one does. */
function echoPortOf({ server, subject }: Trial): number | undefined {
  return subject.id === BUSY ? server.ports[1] : undefined;
}
