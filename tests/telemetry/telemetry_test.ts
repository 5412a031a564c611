/**
 * What a collector gets, over OTLP.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";

/** What is read of OTLP's attributes, metrics and spans, as JSON has them. */
interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: string | number;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}

interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly sum?: {
    readonly isMonotonic?: boolean;
    readonly dataPoints: readonly {
      readonly asInt?: string | number;
      readonly asDouble?: number;
      readonly attributes: readonly Attribute[];
    }[];
  };
}

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface Scoped {
  readonly scope: { readonly name: string };
  readonly metrics?: readonly Metric[];
  readonly spans?: readonly Span[];
}

/** A collector that listens, and keeps what is of our scope. */
class Collector implements AsyncDisposable {
  /** Each export of metrics. */
  readonly metrics: (readonly Metric[])[] = [];
  /** All spans. */
  readonly spans: Span[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => this.#collect(request),
  );

  /** Runs a program that exports to this; gives what it printed. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", import.meta.resolve("./_program.ts"), ...args],
      env: {
        OTEL_DENO: "true",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
        OTEL_METRIC_EXPORT_INTERVAL: "50",
        NO_COLOR: "1",
      },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #collect(request: Request): Promise<Response> {
    const { resourceMetrics = [], resourceSpans = [] } = await request.json();
    const ours = (all: readonly Scoped[]) =>
      all.filter(({ scope }) => scope.name === "@demikernel/deno");
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of ours(scopeMetrics)) this.metrics.push(metrics!);
    }
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of ours(scopeSpans)) this.spans.push(...spans!);
    }
    return Response.json({});
  }
}

/** Attributes as an object. */
function attributesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const { intValue, doubleValue, stringValue, boolValue } = value;
    const number = intValue === undefined ? doubleValue : Number(intValue);
    return [key, number ?? stringValue ?? boolValue];
  }));
}

Deno.test("observe() tells a collector of a libOS's statistics, by name and unit", async () => {
  await using collector = new Collector();
  await collector.run("catnap", "async");
  // The one in which the connection was open.
  const valuesOf = (metrics: readonly Metric[]) =>
    Object.fromEntries(metrics.map(({ name, sum }) => {
      const { asInt, asDouble } = sum!.dataPoints[0]!;
      return [name, Number(asInt ?? asDouble)];
    }));
  const exported = collector.metrics.findLast((metrics) =>
    valuesOf(metrics)["demikernel.queue.count"] === 3
  );
  assert(exported !== undefined, "there is no export with a listener and two ends");
  assertEquals(
    Object.fromEntries(exported.map(({ name, unit }) => [name, unit])),
    {
      "demikernel.queue.count": "{queue}",
      "demikernel.operation.pending": "{operation}",
      "demikernel.token.count": "{token}",
      "demikernel.buffer.count": "{buffer}",
      "demikernel.buffer.size": "By",
      "demikernel.heap.size": "By",
    },
  );
  for (const { sum } of exported) {
    assertEquals(sum?.isMonotonic ?? false, false);
    assertEquals(attributesOf(sum!.dataPoints[0]!.attributes), {
      "demikernel.libos": "catnap",
      "demikernel.provider": "typescript",
      part: "front",
    });
  }
  const values = valuesOf(exported);
  assertEquals(values["demikernel.token.count"], 0);
  // An accept, and the server's next pop.
  assertEquals(values["demikernel.operation.pending"], 2);
  assert(values["demikernel.buffer.count"]! >= 1);
  assert(values["demikernel.buffer.size"]! >= 1000);
  assert(values["demikernel.heap.size"]! >= values["demikernel.buffer.size"]!);
});

for (const libos of ["catnap", "deno:catnap"]) {
  for (const handler of ["async", "generator"]) {
    Deno.test(`traced() and request() are spans on ${libos}, of ${handler} handlers`, async () => {
      await using collector = new Collector();
      const port = Number(await collector.run(libos, handler));
      const connection = collector.spans.find(({ name }) => name === "connection");
      const echo = collector.spans.find(({ name }) => name === "echo");
      assert(connection !== undefined && echo !== undefined, "there are no spans");
      assertEquals(collector.spans.length, 2);
      assertEquals([echo.traceId, echo.parentSpanId], [connection.traceId, connection.spanId]);
      // SERVER and INTERNAL, as OTLP numbers them.
      assertEquals([echo.kind, connection.kind], [2, 1]);
      const { "network.peer.port": peer, "error.type": error, ...rest } = attributesOf(
        connection.attributes,
      );
      assert(typeof peer === "number" && peer > 0);
      assertEquals(rest, {
        "network.transport": "tcp",
        "network.type": "ipv4",
        "network.local.address": "127.0.0.1",
        "network.local.port": port,
        "network.peer.address": "127.0.0.1",
      });
      const failed = handler === "generator";
      assertEquals(error, failed ? "InvalidData" : undefined);
      // ERROR, as OTLP numbers it.
      assertEquals(connection.status?.code ?? 0, failed ? 2 : 0);
      assertEquals(attributesOf(echo.attributes), failed ? { "demikernel.test": true } : {});
    });
  }
}
