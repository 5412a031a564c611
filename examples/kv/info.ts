/**
 * The text of INFO.
 *
 * @module
 */
import process from "node:process";
import type { Store } from "./store.ts";
import { REDIS_VERSION } from "./version.ts";

type Fields = Record<string, string | number>;

const SECONDS_PER_DAY = 86_400;
/** Words that ask for every section. */
const EVERYTHING = ["default", "all", "everything"];

/** The sections in the order in which INFO shows them. */
const SECTIONS: Readonly<Record<string, (store: Store) => Fields>> = {
  Server: (store) => {
    const uptime = Math.floor((store.now - store.startedAt) / 1000);
    return {
      redis_version: REDIS_VERSION,
      redis_mode: "standalone",
      os: process.platform,
      arch_bits: 64,
      process_id: process.pid,
      tcp_port: store.configuration.get("port") ?? "",
      uptime_in_seconds: uptime,
      uptime_in_days: Math.floor(uptime / SECONDS_PER_DAY),
    };
  },
  Clients: (store) => ({
    connected_clients: store.sessions.size,
    maxclients: store.maximumClients,
    blocked_clients: 0,
  }),
  Memory: ({ configuration }) => {
    const { heapUsed, external, rss } = process.memoryUsage();
    const used = heapUsed + external;
    const maximum = Number(configuration.get("maxmemory"));
    return {
      used_memory: used,
      used_memory_human: forPeople(used),
      used_memory_rss: rss,
      used_memory_rss_human: forPeople(rss),
      maxmemory: maximum,
      maxmemory_human: forPeople(maximum),
      maxmemory_policy: "noeviction",
    };
  },
  Persistence: () => ({
    loading: 0,
    aof_enabled: 0,
  }),
  Stats: ({ statistics }) => ({
    total_connections_received: statistics.connections,
    total_commands_processed: statistics.commands,
    total_net_input_bytes: statistics.inputBytes,
    expired_keys: statistics.expiredKeys,
    evicted_keys: 0,
    keyspace_hits: statistics.hits,
    keyspace_misses: statistics.misses,
    total_error_replies: statistics.errors,
  }),
  Replication: () => ({
    role: "master",
    connected_slaves: 0,
  }),
  Keyspace: ({ databases }) => {
    const fields: Fields = {};
    databases.forEach(({ size, expiringSize }, index) => {
      if (size > 0) fields[`db${index}`] = `keys=${size},expires=${expiringSize},avg_ttl=0`;
    });
    return fields;
  },
};

/** A number of bytes in the largest unit of which there is one. */
function forPeople(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 2)}${"BKMGT"[power]}`;
}

/**
 * Describes a store as INFO does.
 *
 * @param store The store.
 * @param sections The sections wanted, in lower case; none means all. Unknown ones are ignored.
 */
export function describeStore(store: Store, sections: readonly string[]): string {
  const all = sections.length === 0 || sections.some((section) => EVERYTHING.includes(section));
  return Object.entries(SECTIONS)
    .filter(([name]) => all || sections.includes(name.toLowerCase()))
    .map(([name, fields]) => {
      const lines = Object.entries(fields(store)).map(([field, value]) => `${field}:${value}\r\n`);
      return `# ${name}\r\n${lines.join("")}`;
    })
    .join("\r\n");
}
