/**
 * Clients of databases, from npm and unchanged, over connections of a libOS to the real servers.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Redis } from "npm:ioredis@6.0.0";
import pg from "npm:pg@8.23.1";
import { createConnection } from "../../libos/node/mod.ts";
import type { LibOS } from "../../mod.ts";
import { findPostgres, type Missing, missingPostgres, missingProgram, needing } from "../_needs.ts";
import { netTest } from "../net/_net.ts";
import { pause } from "../runtime/_assert.ts";
import { event, say } from "./_node.ts";

function testWith(missing: Missing, name: string, body: (libos: LibOS) => Promise<void>): void {
  const { name: said, ignore } = needing(missing, name);
  if (ignore) Deno.test({ name: said, ignore, fn() {} });
  else netTest(name, body);
}

/** A database server on a Unix socket in a folder of its own. */
class Database implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(process: Deno.ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /** Starts a program, and waits until it is ready. */
  static async start(
    program: string,
    args: readonly string[],
    folder: string,
    ready: () => Promise<boolean>,
    user: Pick<Deno.CommandOptions, "uid" | "gid"> = {},
  ): Promise<Database> {
    const process = new Deno.Command(program, {
      args: [...args],
      cwd: folder,
      stdout: "null",
      stderr: "null",
      ...user,
    }).spawn();
    const database = new Database(process, folder);
    for (let i = 0; !await ready(); i++) {
      if (i === 500) {
        await database[Symbol.asyncDispose]();
        throw new Error(`${program} does not get ready`);
      }
      await pause(10);
    }
    return database;
  }

  /** Ends it when its clients have gone, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

testWith(missingProgram("redis-server"), "ioredis talks to redis-server", async (libos) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/redis.sock`;
  await using _ = await Database.start(
    "redis-server",
    ["--port", "0", "--unixsocket", path, "--save", ""],
    folder,
    () => exists(path),
  );
  class Connector {
    #stream: ReturnType<typeof createConnection> | undefined;
    check() {
      return true;
    }
    connect() {
      return Promise.resolve(this.#stream = createConnection({ libos, path }));
    }
    disconnect() {
      this.#stream?.end();
    }
  }
  // deno-lint-ignore no-explicit-any -- Its types want a net.Socket.
  const options = { Connector, maxRetriesPerRequest: 0 } as any;
  const redis = new Redis(options);
  const large = "x".repeat(1_000_000);
  assertEquals(await redis.set("large", large), "OK");
  assertEquals(await redis.get("large"), large);
  const counts = await Promise.all(Array.from({ length: 500 }, () => redis.incr("count")));
  assertEquals(counts, counts.map((_, i) => i + 1));
  const subscriber = new Redis(options);
  await subscriber.subscribe("news");
  const message = new Promise((resolve) => {
    subscriber.on("message", (...args: string[]) => resolve(args));
  });
  await redis.publish("news", "hello");
  assertEquals(await message, ["news", "hello"]);
  const ended = [redis, subscriber].map((one) => event(one, "end"));
  await subscriber.quit();
  await redis.quit();
  await Promise.all(ended);
});

testWith(missingPostgres(), "pg talks to PostgreSQL", async (libos) => {
  const programs = findPostgres()!;
  const folder = await Deno.makeTempDir();
  const user = await chown(folder);
  const initialised = await new Deno.Command(`${programs}/initdb`, {
    args: ["--pgdata=data", "--auth=trust", "--username=test", "--no-sync"],
    cwd: folder,
    stdout: "null",
    stderr: "piped",
    ...user,
  }).output();
  assertEquals(initialised.code, 0, new TextDecoder().decode(initialised.stderr));
  const path = `${folder}/.s.PGSQL.5432`;
  await using _ = await Database.start(
    `${programs}/postgres`,
    ["-D", "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
    folder,
    async () => (await say(`${programs}/pg_isready`, ["-h", folder])).code === 0,
    user,
  );
  // deno-lint-ignore no-explicit-any -- Its types want a net.Socket.
  const stream = () => createConnection({ libos, path }) as any;
  const pool = new pg.Pool({ user: "test", database: "postgres", stream, max: 4 });
  await pool.query("create table messages (id serial primary key, body text)");
  const insert = "insert into messages (body) values ($1) returning id";
  const inserted = await Promise.all(
    Array.from({ length: 100 }, (_, i) => pool.query(insert, [`message ${i}`])),
  );
  assertEquals(
    Math.max(...inserted.map(({ rows }: { rows: { id: number }[] }) => rows[0]!.id)),
    100,
  );
  const large = await pool.query("select repeat('x', 2000000) as body");
  assertEquals(large.rows[0].body.length, 2_000_000);
  await assertRejects(() => pool.query("select nonsense"), Error, "nonsense");
  const { rows } = await pool.query("select count(*)::int as count from messages");
  assertEquals(rows, [{ count: 100 }]);
  await pool.end();
});

/** PostgreSQL does not run as root: gives the folder to its user, and says who that is. */
async function chown(folder: string): Promise<Pick<Deno.CommandOptions, "uid" | "gid">> {
  if (Deno.uid() !== 0) return {};
  const uid = Number((await say("id", ["-u", "postgres"])).stdout);
  await Deno.chown(folder, uid, null);
  return { uid };
}
