/**
 * A store that speaks the protocol of Redis. `examples/kv/` is the store; here it meets the network.
 *
 * ```sh
 * deno run --allow-ffi examples/kv.ts --port 6380
 * redis-cli -p 6380 set greeting hello
 * ```
 *
 * With `--metrics 9121` there is a page for Prometheus on that port, beside the clients.
 *
 * @module
 */

import { getHeapStatistics } from "node:v8";
import { libc } from "../ffi/libc/load.ts";
import { type Connection, type InetAddress, type LibOS, serve, type Sga } from "../mod.ts";
import { Letter, Outbox } from "../libos/net/outbox.ts";
import { main } from "./_cli.ts";
import type { HttpServer } from "../libos/http/mod.ts";
import {
  describeMetrics,
  freedBytes,
  METRICS_TYPE,
  type ReplyMemory,
  Session,
  Store,
} from "./kv/mod.ts";

/**
 * How many keys whose time has come are deleted at once, and after how many milliseconds again: soon if there
 * are more, as when very many expire together.
 */
const EXPIRY = { budget: 1000, idle: 100, busy: 4 };

/**
 * What keys and values may take of the memory, as a part of what the engine would take for its heap, which depends
 * on the machine. Their bytes are not on that heap, but to have no limit would be the end of the process some day. For more
 * of them: `deno run --v8-flags=--max-old-space-size=16000`.
 */
const HEAP_SHARE = 0.75;

/**
 * Once in so many milliseconds the C library is told to give back to the system what is free, if as many bytes were
 * freed since. By itself it keeps nearly all that was in pieces of less than 32 MiB.
 */
const TRIM = { interval: 1000, size: 2 ** 24 };

/** Memory for replies: an sga, which is then pushed. */
class ReplySga {
  #sga: Sga | null = null;
  readonly #libos: LibOS;

  constructor(libos: LibOS) {
    this.#libos = libos;
  }

  /** See {@linkcode ReplyMemory}. */
  readonly grow: ReplyMemory = (size, old, length) => {
    const grown = this.#libos.alloc(size);
    if (length > 0) grown.bytes().set(old.subarray(0, length));
    this.recycle();
    this.#sga = grown;
    return grown.bytes();
  };

  /** Takes the sga, with as much as was written. */
  take(length: number): Sga {
    const sga = this.#sga!;
    this.#sga = null;
    sga.trim(0, length);
    return sga;
  }

  /** Gives it back, if there is one. */
  recycle(): void {
    this.#sga?.recycle();
    this.#sga = null;
  }
}

/** Serves one client: what a pop gave is fed to its session, and the replies go out in one push. */
function* handle(connection: Connection, store: Store, outbox: Outbox) {
  const memory = new ReplySga(connection.libos);
  const session = new Session(store, {
    address: format(connection.remoteAddr as InetAddress),
    localAddress: format(connection.localAddr as InetAddress),
    disconnect: () => connection[Symbol.dispose](),
  }, memory.grow);
  const { reply } = session;
  const letter = new Letter(connection);
  try {
    if (!session.open) {
      // There are too many.
      using refusal = memory.take(reply.length);
      yield* connection.push(refusal);
    }
    while (session.open) {
      const request = yield* connection.pop();
      if (request === null) break;
      try {
        for (let segment = 0; segment < request.numsegs; segment++) {
          let resumes = false;
          do {
            // Who does not take his replies gets no more of them.
            if (letter.sga !== null) outbox.flush();
            if (letter.push !== null) yield* letter.push;
            letter.push = null;
            if (resumes) session.resume();
            else session.feed(request.bytes(segment));
            if (reply.length > 0) {
              letter.sga = memory.take(reply.length);
              reply.reset();
              outbox.post(letter);
            }
            resumes = session.paused;
          } while (resumes);
        }
      } finally {
        request.recycle();
      }
    }
    // What is not sent when the connection is closed may be lost.
    if (letter.sga !== null) outbox.flush();
    if (letter.push !== null) yield* letter.push;
  } catch (error) {
    // A line for whoever runs the server, and nothing for a client that asks too much: as in Redis.
    if (!(error instanceof RangeError)) throw error;
    console.error(`Closed the connection of ${session.info.address}: ${error.message}`);
  } finally {
    session.close();
    memory.recycle();
  }
}

/** Serves the page for Prometheus. The module is loaded where it is asked for. */
async function serveMetrics(
  where: { libos: LibOS; hostname: string; port: number; signal: AbortSignal },
  store: Store,
): Promise<HttpServer> {
  const { serveHttp } = await import("../libos/http/mod.ts");
  return serveHttp({ ...where, tier: "fast" }, (request) =>
    request.path === "/metrics"
      ? {
        headers: { "content-type": METRICS_TYPE },
        body: describeMetrics(store, where.libos.statistics()),
      }
      : { status: 404, body: "The page is /metrics\n" });
}

function format({ hostname, port }: InetAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

if (import.meta.main) {
  await main({
    about: "Key-value store",
    port: 6380,
    flags: {
      metrics: {
        help: "where Prometheus finds its page",
        values: ["none"],
        form: { name: "PORT", is: /^(none|\d{1,5})$/ },
      },
    },
    async start(libos, { hostname, port, own }, signal) {
      const outbox = new Outbox(libos);
      const server = serve(
        { libos, hostname, port, signal },
        (connection) => handle(connection, store, outbox),
      );
      // The store tells clients where it listens, which is known now that the server listens.
      let now = 0;
      const store: Store = new Store({
        // Once for all who are served in one turn, as in Redis: to read the clock makes a number on the heap.
        clock: () => outbox.empty ? now = Date.now() : now,
        bind: server.addr.hostname,
        port: server.addr.port,
        maximumMemory: HEAP_SHARE * getHeapStatistics().heap_size_limit,
      });
      let timer: ReturnType<typeof setTimeout>;
      const expire = () => {
        const expired = store.expireCycle(Date.now(), EXPIRY.budget);
        timer = setTimeout(expire, expired < EXPIRY.budget ? EXPIRY.idle : EXPIRY.busy);
      };
      expire();
      const page = own.metrics === "none"
        ? null
        : await serveMetrics({ libos, hostname, port: Number(own.metrics), signal }, store);
      let freed = 0;
      const trim = setInterval(() => {
        if (freedBytes() - freed < TRIM.size) return;
        freed = freedBytes();
        libc().malloc_trim(0n);
      }, TRIM.interval);
      return {
        addr: server.addr,
        shutdown() {
          clearTimeout(timer);
          clearInterval(trim);
          return Promise.all([server.shutdown(), page?.shutdown()])
            .then(() => {}).finally(() => outbox[Symbol.dispose]());
        },
      };
    },
  });
}
