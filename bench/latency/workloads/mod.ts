/**
 * All workloads, in the order in which they run and are shown.
 *
 * @module
 */
import type { Workload } from "../workload.ts";
import { agreement } from "./agreement.ts";
import { alongside } from "./alongside.ts";
import { awaits } from "./awaits.ts";
import { connections, idleConnections } from "./connections.ts";
import { tcpEcho, udpEcho } from "./echo.ts";
import { http } from "./http.ts";
import { idle } from "./idle.ts";
import { kv } from "./kv.ts";
import { memory } from "./memory.ts";
import { openLoop, rates } from "./open_loop.ts";
import { redisBenchmark } from "./redis_benchmark.ts";
import { setUp } from "./set_up.ts";
import { sizes } from "./sizes.ts";
import { stream } from "./stream.ts";

/** See the module's description. */
export const WORKLOADS: readonly Workload[] = [
  tcpEcho,
  udpEcho,
  kv,
  redisBenchmark,
  http,
  awaits,
  alongside,
  rates,
  openLoop,
  connections,
  idleConnections,
  sizes,
  stream,
  setUp,
  idle,
  memory,
  agreement,
];
