/**
 * Statistics as metrics.
 *
 * @module
 */

import { metrics, type Observable } from "npm:@opentelemetry/api@1.9.0";
import type { LibOS, Statistics } from "../pdpix.ts";

/** The scope of all that is told here. */
export const SCOPE = "@demikernel/deno";

/** What metrics and spans tell besides, by name. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A metric: its name and unit, by the semantic conventions, and what it means. */
type Metric = readonly [name: string, unit: string, description: string];

/** The statistics that are numbers: those of single connections and of devices are for who looks, not for metrics. */
type Count = Exclude<keyof Statistics, "connections" | "device">;

/** What goes up and down is an UpDownCounter, and its name says what is counted. */
const METRICS: Readonly<Record<Count, Metric>> = {
  queues: ["demikernel.queue.count", "{queue}", "Queues that are open"],
  pending: ["demikernel.operation.pending", "{operation}", "Operations that are pending"],
  tokens: ["demikernel.token.count", "{token}", "Tokens given out and not yet waited for"],
  buffers: [
    "demikernel.buffer.count",
    "{buffer}",
    "Buffers held by the application or by operations",
  ],
  bufferBytes: ["demikernel.buffer.size", "By", "Bytes in those buffers"],
  heapBytes: ["demikernel.heap.size", "By", "Bytes that the heap holds from the system"],
};

/**
 * Tells of a libOS's statistics, whenever Deno exports metrics (`OTEL_METRIC_EXPORT_INTERVAL`), until it is disposed of.
 * The attributes `demikernel.libos` and `demikernel.provider` tell which libOS it is; more may be given, to tell several
 * of one name apart.
 *
 * @example A server's memory and connections, for whoever collects metrics
 * ```ts
 * import { open } from "@demikernel/deno";
 * import { observe } from "@demikernel/deno/telemetry";
 *
 * await using libos = open();
 * using _metrics = observe(libos, { "service.part": "front" });
 * ```
 */
export function observe(libos: LibOS, attributes: Attributes = {}): Disposable {
  const meter = metrics.getMeter(SCOPE);
  const all = {
    "demikernel.libos": libos.name,
    "demikernel.provider": libos.provider,
    ...attributes,
  };
  const names = Object.keys(METRICS) as Count[];
  const instruments = new Map<Count, Observable>(names.map((name) => {
    const [metric, unit, description] = METRICS[name];
    return [name, meter.createObservableUpDownCounter(metric, { unit, description })];
  }));
  const observables = [...instruments.values()];
  const tell: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    const statistics = libos.statistics();
    for (const [name, instrument] of instruments) {
      result.observe(instrument, statistics[name], all);
    }
  };
  meter.addBatchObservableCallback(tell, observables);
  return { [Symbol.dispose]: () => meter.removeBatchObservableCallback(tell, observables) };
}
