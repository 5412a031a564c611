/**
 * A libOS seen from outside: its statistics as OpenTelemetry metrics, and connections and requests as spans.
 *
 * Deno exports them where `OTEL_DENO=true` is set; without it, all of this does nothing. This module alone depends on
 * something from npm, OpenTelemetry's API, and `mod.ts` does not import it. See `docs/telemetry.md` for the names.
 *
 * @module
 */

export { type Attributes, observe } from "./metrics.ts";
export { request, type SpanOptions, traced } from "./spans.ts";
