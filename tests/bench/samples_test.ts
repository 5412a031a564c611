import { assert, assertEquals } from "@std/assert";
import { cost, latency, Samples, throughput } from "../../bench/latency/samples.ts";
import type { LatencyFigures, RatioResult, Sample } from "../../bench/latency/schema.ts";

const PARTICIPANTS = [
  { id: "c-spin", name: "C spin" },
  { id: "ours-generator", name: "ours", libos: "catnap" },
  { id: "ours-generator", name: "ours, demikernel:catnap", libos: "demikernel:catnap" },
];

function sample(subject: string, round: number, p50: number, rest: Partial<Sample> = {}): Sample {
  const others = { count: 1, mean: p50, min: p50, p90: p50, p99: p50, p999: p50, max: p50 };
  const figures: LatencyFigures = { ...others, p50 };
  return { subject, round, steady: true, latency: figures, ...rest };
}

function samples(...list: readonly Sample[]): Samples {
  return new Samples(PARTICIPANTS, list);
}

const P50 = {
  label: "ours / C",
  above: { subject: "ours" },
  below: { subject: "C spin" },
  figure: latency("p50"),
};

/** The ratio of one round, in which ours took twice as long. */
const ONCE = { label: "ours / C", median: 2, min: 2, max: 2, rounds: 1 };

Deno.test("Samples.ratio() divides within rounds, and takes the median of the quotients", () => {
  const found = samples(
    sample("C spin", 0, 10),
    sample("ours", 0, 20),
    sample("ours", 1, 300),
    sample("C spin", 1, 100),
    sample("C spin", 2, 10),
    sample("ours", 2, 10),
  );
  assertEquals(found.ratio(P50), [
    { label: "ours / C", median: 2, min: 1, max: 3, rounds: 3 },
  ]);
});

Deno.test("Samples.ratio() has bounds, once there are enough rounds to tell", () => {
  const rounds = (count: number) =>
    Array.from({ length: count }, (_, round) => [
      sample("C spin", round, 10),
      sample("ours", round, 20 + round),
    ]).flat();
  const boundsOf = (count: number, ofMeans: boolean) => {
    const [{ low, high, median }] = samples(...rounds(count)).ratio({ ...P50, ofMeans }) as [
      RatioResult,
    ];
    return { low, high, median };
  };
  for (const ofMeans of [false, true]) {
    assertEquals(boundsOf(5, ofMeans).low, undefined);
    const { low, high, median } = boundsOf(9, ofMeans);
    assert(2 <= low! && low! < median && median < high! && high! <= 2.8, `${low} ${high}`);
  }
});

Deno.test("Samples.ratio() leaves out a round that only one of the two has", () => {
  const found = samples(sample("C spin", 0, 10), sample("ours", 0, 20), sample("ours", 1, 1000));
  assertEquals(found.ratio(P50), [ONCE]);
});

Deno.test("Samples.ratio() takes the steady one of those that a server has in a round", () => {
  const again = sample("ours", 0, 90, { steady: false });
  assertEquals(samples(sample("C spin", 0, 10), again, sample("ours", 0, 20)).ratio(P50), [ONCE]);
});

Deno.test("Samples.ratio() gives none where a peer is missing, or the two have no round in common", () => {
  assertEquals(samples(sample("ours", 0, 20)).ratio(P50), []);
  assertEquals(samples(sample("C spin", 0, 10), sample("ours", 1, 20)).ratio(P50), []);
  assertEquals(samples().ratio(P50), []);
});

Deno.test("Samples.ratio() gives none where the figure was not measured", () => {
  const found = samples(sample("C spin", 0, 10), sample("ours", 0, 20));
  assertEquals(found.ratio({ ...P50, figure: throughput }), []);
});

Deno.test("Samples.ratio() divides the means over the rounds where that is asked for", () => {
  const found = samples(
    sample("C spin", 0, 10),
    sample("ours", 0, 10),
    sample("C spin", 1, 30),
    sample("ours", 1, 90),
  );
  const [ratio] = found.ratio({ ...P50, ofMeans: true });
  assertEquals(ratio, {
    ...{ label: "ours / C", median: 2.5, min: 1, max: 3 },
    ...{ rounds: 2, ofMeans: true },
  });
});

Deno.test("Samples knows cells by point and variant", () => {
  const found = samples(
    sample("ours", 0, 10, { point: 1, variant: "GET" }),
    sample("ours", 0, 20, { point: 2, variant: "GET" }),
    sample("ours", 0, 40, { point: 1, variant: "SET" }),
  );
  const figures = (point?: number, variant?: string) => {
    const cell = { subject: "ours", ...(point && { point }), ...(variant && { variant }) };
    return [...found.figures(cell, latency("p50"))];
  };
  assertEquals(figures(1, "GET"), [[0, 10]]);
  assertEquals(figures(2, "GET"), [[0, 20]]);
  assertEquals(figures(1, "SET"), [[0, 40]]);
  assertEquals([figures(2, "SET"), figures(1), figures()], [[], [], []]);
});

Deno.test("Samples counts steady rounds only, or all rounds where none was steady", () => {
  const moved = { steady: false };
  const mixed = samples(
    sample("C spin", 0, 10),
    sample("ours", 0, 20),
    sample("C spin", 1, 10, moved),
    sample("ours", 1, 90, moved),
  );
  assertEquals(mixed.ratio(P50)[0]?.max, 2);
  const unsteady = samples(
    sample("C spin", 0, 10, moved),
    sample("ours", 0, 20, moved),
    sample("C spin", 1, 10, moved),
    sample("ours", 1, 90, moved),
  );
  assertEquals(unsteady.ratio(P50)[0]?.max, 9);
});

Deno.test("Samples.ratio() judges targets, of one side or of two", () => {
  const met = (ratio: number, target: { atMost?: number; atLeast?: number }) =>
    samples(sample("C spin", 0, 1), sample("ours", 0, ratio)).ratio({ ...P50, ...target })[0]?.met;
  assertEquals([met(1.05, { atMost: 1.05 }), met(1.06, { atMost: 1.05 })], [true, false]);
  assertEquals([met(2.2, { atLeast: 2.2 }), met(2.1, { atLeast: 2.2 })], [true, false]);
  const both = { atLeast: 0.95, atMost: 1.05 };
  assertEquals([met(0.9, both), met(1, both), met(1.1, both)], [false, true, false]);
  assertEquals(met(1, {}), undefined);
});

Deno.test("Samples.ratio() has targets for catnap only", () => {
  const other = { ...P50, above: { subject: "ours, demikernel:catnap" }, atMost: 1 };
  const found = samples(sample("C spin", 0, 10), sample("ours, demikernel:catnap", 0, 20));
  assertEquals(found.ratio(other), [ONCE]);
  const below = { ...other, above: other.below, below: other.above };
  assertEquals("met" in found.ratio(below)[0]!, false);
});

Deno.test("Samples.value() gives a figure by itself with its target, and none without samples", () => {
  const found = samples(sample("ours", 0, 8), sample("ours", 1, 12));
  const value = (subject: string) =>
    found.value("time", { subject }, latency("p50"), { atMost: 10 });
  assertEquals(value("ours"), [
    { label: "time", median: 10, min: 8, max: 12, atMost: 10, met: true },
  ]);
  assertEquals(value("C spin"), []);
});

Deno.test("Samples.named() and ours find subjects on every libOS", () => {
  const names = ["ours", "ours, demikernel:catnap"];
  assertEquals(samples().named("ours-generator"), names);
  assertEquals(samples().ours, names);
  assertEquals(samples().named("bun"), []);
});

Deno.test("cost() is the time of an operation, which there is none of without operations", () => {
  const of = (throughput?: number) =>
    cost(sample("ours", 0, 1, throughput === undefined ? {} : { throughput }));
  assertEquals([of(250_000), of(0), of()], [4_000, undefined, undefined]);
});
