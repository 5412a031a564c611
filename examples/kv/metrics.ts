/**
 * The store's numbers for Prometheus, in its text format; the names are those that its exporter for Redis has.
 *
 * @module
 */

import process from "node:process";
import type { Statistics } from "../../mod.ts";
import type { Store } from "./store.ts";

/** What the text is, for the field `content-type`. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A number, and what it tells; one that only grows is called a total. */
type Metric = readonly [name: string, help: string, value: number];

/** Describes a store, and the libOS that it is served on. */
export function describeMetrics(store: Store, libos: Statistics): string {
  const { statistics, databases } = store;
  const { heapUsed, external, rss } = process.memoryUsage();
  const metrics: Metric[] = [
    ["redis_uptime_in_seconds", "Seconds since the start.", (Date.now() - store.startedAt) / 1000],
    ["redis_connected_clients", "Clients that are connected.", store.sessions.size],
    ["redis_connections_received_total", "Clients that ever were.", statistics.connections],
    ["redis_commands_processed_total", "Commands that were executed.", statistics.commands],
    ["redis_net_input_bytes_total", "Bytes that clients sent.", statistics.inputBytes],
    ["redis_error_replies_total", "Replies that were errors.", statistics.errors],
    ["redis_expired_keys_total", "Keys whose time had come.", statistics.expiredKeys],
    ["redis_keyspace_hits_total", "Lookups that found a key.", statistics.hits],
    ["redis_keyspace_misses_total", "Lookups that found none.", statistics.misses],
    ["redis_memory_used_bytes", "Memory of keys, values and program.", heapUsed + external],
    ["redis_memory_used_rss_bytes", "Memory of the process.", rss],
    ["demikernel_queues", "Queues that are open.", libos.queues],
    ["demikernel_pending_operations", "Operations that are pending.", libos.pending],
    ["demikernel_buffer_bytes", "Bytes in buffers that are held.", libos.bufferBytes],
  ];
  let text = "";
  for (const [name, help, value] of metrics) {
    text += `${headOf(name, help)}${name} ${value}\n`;
  }
  text += headOf("redis_db_keys", "Keys of a database.");
  databases.forEach(({ size }, index) => text += `redis_db_keys{db="db${index}"} ${size}\n`);
  return text;
}

function headOf(name: string, help: string): string {
  const type = name.endsWith("_total") ? "counter" : "gauge";
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
