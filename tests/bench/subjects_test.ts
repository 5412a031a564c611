import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { packageOf } from "../../bench/_harness/bun.ts";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { Server } from "../../bench/_harness/server.ts";
import {
  type Candidate,
  type Protocol,
  SUBJECT_IDS,
  subjects,
} from "../../bench/latency/subjects.ts";
import { REQUESTS } from "../../bench/latency/servers.ts";
import { versions } from "../../bench/latency/versions.ts";
import { machine, test } from "./_load.ts";

const options = { libos: ["catnap"], fetch: false };

// The native library is opened once and stays open, which the sanitizer would take for a leak of one test.
await versions(machine);

for (const protocol of Object.keys(REQUESTS) as Protocol[]) {
  test(`subjects() finds servers for ${protocol} that serve and stop, or tells why not`, async () => {
    using found = await subjects(machine, protocol, options);
    assertEquals(found.available.length + found.skipped.length, found.candidates.length);
    for (const { skipped } of found.skipped) assertNotEquals(skipped, "");
    for (const { name, runtime, command } of found.available) {
      await using server = await Server.start(machine, command);
      assertEquals(server.name, name);
      await REQUESTS[protocol](machine, server, 1);
      assertEquals(await server.pausesSince(await server.mark()) !== undefined, runtime === "v8");
    }
    const names = found.candidates.map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    assert(found.available.some(({ libos }) => libos !== undefined));
  });
}

Deno.test("subjects() skips every peer in C when there is no compiler", async () => {
  const only = ["c-spin", "c-epoll-spin", "c-epoll", "c-demikernel"];
  const bare = { ...machine, compiler: undefined };
  using found = await subjects(bare, "tcp", { ...options, only });
  assertEquals(found.skipped.map(({ id }) => id), only);
  assertMatch(found.skipped[0]!.skipped, /no C compiler found/);
});

Deno.test("subjects() skips ours where its libOS cannot be reached, with the reason", async () => {
  const libos = ["demikernel:catmem"];
  using found = await subjects(machine, "tcp", { ...options, libos, only: ["ours-generator"] });
  const [candidate] = found.candidates;
  assertEquals(candidate?.name, "ours, generator, demikernel:catmem");
  assertMatch(reasonOf(candidate), /no sockets/);
});

Deno.test("subjects() gives only the ids that are wanted, of this protocol", async () => {
  const only = ["ours-iterator", "redis-server", "deno-listen"];
  using found = await subjects(machine, "tcp", { ...options, only });
  assertEquals(found.candidates.map(({ id }) => id), ["deno-listen", "ours-iterator"]);
});

Deno.test("subjects() rejects an unknown id or libOS, and lists the known ones", async () => {
  const find = (more: { only?: string[]; libos?: string[] }) =>
    subjects(machine, "tcp", { ...options, ...more });
  const error = await assertRejects(() => find({ only: ["netty"] }), BenchmarkError, '"netty"');
  for (const id of SUBJECT_IDS) assert(error.message.includes(id));
  await assertRejects(() => find({ libos: ["catfish"] }), BenchmarkError, "demikernel:catnap");
});

Deno.test("Subjects disposal removes the files", async () => {
  const before = Deno.env.get("TMPDIR");
  const folder = await Deno.makeTempDir();
  Deno.env.set("TMPDIR", folder);
  try {
    {
      using _found = await subjects(machine, "kv", { ...options, only: [] });
      assertEquals([...Deno.readDirSync(folder)].length, 1);
    }
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("versions() has those of Deno and V8, and of what is installed", async () => {
  const found = await versions(machine);
  assertEquals(found.deno, Deno.version.deno);
  assertEquals(found.v8, Deno.version.v8);
  assertEquals("cc" in found, machine.compiler !== undefined);
  for (const version of Object.values(found)) assertMatch(version, /\d/);
});

Deno.test("packageOf() names the package for the processor and the C library", () => {
  assertEquals(packageOf("x86_64-unknown-linux-gnu", true), "@oven/bun-linux-x64");
  assertEquals(packageOf("x86_64-unknown-linux-gnu", false), "@oven/bun-linux-x64-baseline");
  assertEquals(packageOf("x86_64-unknown-linux-musl", false), "@oven/bun-linux-x64-musl-baseline");
  assertEquals(packageOf("aarch64-unknown-linux-gnu", false), "@oven/bun-linux-aarch64");
  assertEquals(packageOf("aarch64-apple-darwin", false), undefined);
});

function reasonOf(candidate: Candidate | undefined): string {
  return candidate !== undefined && "skipped" in candidate ? candidate.skipped : "";
}
