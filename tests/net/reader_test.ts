import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import {
  connect,
  type Coroutine,
  DemikernelError,
  type LibOS,
  listen,
  Messages,
  type Operation,
  Reader,
  type Sga,
} from "../../mod.ts";
import { assertCode, assertRejectsCode, pause, within } from "../runtime/_assert.ts";
import { Chunks, cut, type Piece } from "./_chunks.ts";
import { assertWaits, CHUNK } from "./_download.ts";
import { bytes, held, LOOPBACK, makePair, netTest, text } from "./_net.ts";

/** One read. */
type Read =
  | { readonly what: "exactly"; readonly length: number }
  | { readonly what: "until"; readonly delimiter: string }
  | { readonly what: "line" | "rest" | "pop" };

function ask(reader: Reader, one: Read): Operation<Sga | string | null> {
  switch (one.what) {
    case "exactly":
      return reader.exactly(one.length);
    case "until":
      return reader.until(one.delimiter);
    default:
      return reader[one.what]();
  }
}

/** What a read gives, in words; what it gave is freed. */
function answer(given: Sga | string | null): string {
  if (given === null || typeof given === "string") return JSON.stringify(given);
  assertEquals(given.numsegs, 1);
  return JSON.stringify(text(given));
}

function nameOf(error: unknown): string {
  if (error instanceof DemikernelError) return error.code;
  return (error as Error).constructor.name;
}

async function inPromises(reader: Reader, reads: readonly Read[]): Promise<string[]> {
  const answers: string[] = [];
  try {
    for (const one of reads) answers.push(answer(await ask(reader, one)));
  } catch (error) {
    answers.push(nameOf(error));
  }
  return answers;
}

function* inCoroutine(reader: Reader, reads: readonly Read[]): Coroutine<string[]> {
  const answers: string[] = [];
  try {
    for (const one of reads) answers.push(answer(yield* ask(reader, one)));
  } catch (error) {
    answers.push(nameOf(error));
  }
  return answers;
}

const KINDS = {
  "an async function": inPromises,
  "a coroutine": (reader: Reader, reads: readonly Read[]) =>
    reader.libos.spawn(inCoroutine(reader, reads)),
};

/** What reads should give of a text, each as long as `limit` at most: pops are not among them. */
function expected(all: string, reads: readonly Read[], limit: number): string[] {
  const answers: string[] = [];
  let rest = all;
  for (const one of reads) {
    const delimiter = one.what === "line" ? "\n" : one.what === "until" ? one.delimiter : "";
    const at = delimiter === "" ? -1 : rest.indexOf(delimiter);
    let length = at < 0 ? rest.length : at;
    if (one.what === "exactly") length = one.length;
    if (length > limit) return [...answers, "EMSGSIZE"];
    if (rest === "" && (one.what === "exactly" ? length > 0 : one.what !== "rest")) {
      answers.push("null");
      continue;
    }
    const cutShort = one.what === "exactly" ? length > rest.length : one.what === "until" && at < 0;
    if (cutShort) return [...answers, "UnexpectedEof"];
    const read = rest.slice(0, length);
    answers.push(
      JSON.stringify(one.what === "line" ? read.replace(/\r$/, at < 0 ? "\r" : "") : read),
    );
    rest = rest.slice(length + (at < 0 ? 0 : delimiter.length));
  }
  return answers;
}

const reads: fc.Arbitrary<Read> = fc.oneof(
  fc.record({ what: fc.constant("exactly" as const), length: fc.nat(60) }),
  fc.record({
    what: fc.constant("until" as const),
    delimiter: fc.constantFrom("a", "ab", "aab", "\r\n", "\n"),
  }),
  fc.record({ what: fc.constantFrom("line" as const, "rest" as const) }),
);

const streams = fc.string({ unit: fc.constantFrom("a", "a", "b", "\r", "\n"), maxLength: 200 })
  .chain((all) => fc.record({ all: fc.constant(all), pieces: cut(bytes(all)) }));

for (const [kind, run] of Object.entries(KINDS)) {
  netTest(`Reader reads the same however the stream is cut, in ${kind}`, async (libos) => {
    await fc.assert(
      fc.asyncProperty(
        streams,
        fc.array(reads, { maxLength: 12 }),
        fc.constantFrom(10, 40, 1000),
        async ({ all, pieces }, asked, limit) => {
          using source = new Chunks(libos, pieces);
          using reader = new Reader(source, { limit });
          assertEquals(await run(reader, asked), expected(all, asked, limit));
        },
      ),
      { numRuns: 300 },
    );
  });

  netTest(`Reader.pop() gives all that is there and comes, in ${kind}`, async (libos) => {
    await fc.assert(
      fc.asyncProperty(streams, fc.nat(20), async ({ all, pieces }, length) => {
        const whole = pieces.filter((piece) => piece.bytes.length > 0)
          .map((piece) => ({ ...piece, parted: false }));
        using source = new Chunks(libos, whole);
        using reader = new Reader(source);
        const asked: Read[] = Array.from({ length: 40 }, () => ({ what: "pop" }));
        const answers = await run(reader, [{ what: "exactly", length }, ...asked]);
        if (length > all.length && all !== "") return assertEquals(answers, ["UnexpectedEof"]);
        const popped = answers.map((one) => JSON.parse(one) as string | null);
        assertEquals(popped.at(-1), null);
        assertEquals(popped.map((one) => one ?? "").join(""), all);
      }),
      { numRuns: 100 },
    );
  });
}

/** A reader over pieces of text, owned by whoever owns them. */
function makeReader(libos: LibOS, owned: DisposableStack, ...texts: string[]): Reader {
  const pieces = texts.map((one): Piece => ({ bytes: bytes(one), late: false, parted: false }));
  return owned.use(new Reader(owned.use(new Chunks(libos, pieces))));
}

netTest("Reader gives what lies in one sga without a copy", async (libos) => {
  using owned = new DisposableStack();
  const reader = makeReader(libos, owned, "onetwo\nthree");
  using one = (await reader.exactly(3))!;
  using two = (await reader.until("\n"))!;
  using three = (await reader.exactly(5))!;
  const { buffer } = one.bytes();
  for (const [sga, at] of [[one, 0], [two, 3], [three, 7]] as const) {
    assertEquals(sga.bytes().buffer, buffer);
    assertEquals(sga.bytes().byteOffset - one.bytes().byteOffset, at);
  }
  assertEquals(libos.statistics().buffers, 1);
});

netTest("Reader.line() drops the end of a line, and decodes UTF-8", async (libos) => {
  using owned = new DisposableStack();
  const reader = makeReader(
    libos,
    owned,
    "\uFEFF1\r\n\r\n",
    "\r\r\n€".slice(0, 4),
    "\n\n",
    "last\r",
  );
  const lines = await Array.fromAsync(reader.lines());
  assertEquals(lines, ["\uFEFF1", "", "\r", "€", "", "last\r"]);
});

netTest("Reader.lines() may be left early, and read on from there", async (libos) => {
  using owned = new DisposableStack();
  const reader = makeReader(libos, owned, "a\n", "b\n\nbody");
  const head: string[] = [];
  for await (const line of reader.lines()) {
    if (line === "") break;
    head.push(line);
  }
  assertEquals(head, ["a", "b"]);
  assertEquals(text(await reader.rest()), "body");
});

netTest("Reader takes nothing when a read is cancelled, or too late", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server));
  await client.push(bytes("ab"));
  await assertRejects(async () => await reader.line({ timeout: 20 }), Deno.errors.TimedOut);
  const controller = new AbortController();
  const aborted = assertRejects(async () => await reader.exactly(5, controller), Error, "enough");
  controller.abort(new Error("enough"));
  await within(aborted);
  const cancelled = reader.until("\n");
  const rejected = assertRejects(async () => await cancelled, Deno.errors.Interrupted);
  cancelled.cancel();
  await within(rejected);
  await client.push(bytes("c\n"));
  assertEquals(await reader.line(), "abc");
});

netTest("Reader takes nothing when a coroutine's read is cancelled, or too late", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server));
  await client.push(bytes("ab"));
  const seen = libos.spawn(function* (): Coroutine<unknown[]> {
    const seen: unknown[] = [];
    for (const how of ["timeout", "cancel", "cancelled before"]) {
      const reading = how === "timeout" ? reader.line({ timeout: 10 }) : reader.line();
      if (how === "cancel") setTimeout(() => reading.cancel(), 10);
      if (how === "cancelled before") reading.cancel();
      try {
        yield* reading;
      } catch (error) {
        seen.push(nameOf(error));
      }
    }
    seen.push(yield* reader.line());
    return seen;
  }());
  setTimeout(() => client.push(bytes("c\n")), 60);
  assertEquals(await within(seen), ["TimedOut", "Interrupted", "Interrupted", "abc"]);
});

netTest("Reader refuses a second read while one goes on, and goes on with that", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server));
  const first = reader.line().then((line) => line);
  await assertRejects(async () => await reader.line(), Deno.errors.Busy);
  await client.push(bytes("x\ny\n"));
  assertEquals(await within(first), "x");
  assertEquals(await reader.line(), "y");
});

netTest("Reader gives one result to all who wait for a read, in either way", async (libos) => {
  using owned = new DisposableStack();
  const reader = makeReader(libos, owned, "one\ntwo\n");
  const reading = reader.line();
  assertEquals(await Promise.all([reading, reading]), ["one", "one"]);
  const later = libos.spawn(function* (): Coroutine<string | null> {
    return yield* reading;
  }());
  assertEquals(await later, "one");
  assert(reading instanceof Promise);
  let settled = false;
  assertEquals(await reader.line().finally(() => settled = true), "two");
  assertEquals(settled, true);
});

netTest(
  "Reader ends what is being read when it is disposed of, and holds nothing",
  async (libos) => {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    const reader = new Reader(server);
    await client.push(bytes("abc"));
    const reading = assertRejects(async () => await reader.line(), Deno.errors.Interrupted);
    await client.push(bytes("def"));
    reader[Symbol.dispose]();
    await within(reading);
    assertEquals(libos.statistics().buffers, 0);
    await assertRejects(async () => await reader.line(), Deno.errors.BadResource);
    assertEquals(server.open, true);
  },
);

netTest(
  "Reader refuses to wait for a read again that a coroutine has waited for",
  async (libos) => {
    using owned = new DisposableStack();
    const reader = makeReader(libos, owned, "one\ntwo\n");
    await libos.spawn(function* (): Coroutine {
      const reading = reader.line();
      assertEquals(yield* reading, "one");
      assertThrows(() => reading[Symbol.iterator](), Deno.errors.Busy);
      assertEquals(yield* reader.line(), "two");
    }());
  },
);

netTest("Reader lets go of a read when its coroutine is closed", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server));
  const coroutine = (function* (): Coroutine {
    yield* reader.line();
  })();
  const ended = libos.spawn(coroutine);
  await pause(5);
  coroutine.return();
  await within(ended);
  assertEquals(libos.statistics().pending, 0);
  await client.push(bytes("line\n"));
  assertEquals(await reader.line(), "line");
});

netTest(
  "Reader ends a read that is cancelled just when a part of it comes, and keeps that",
  async (libos) => {
    for (const end of ["cancel", "dispose"] as const) {
      for (let microtasks = 0; microtasks < 12; microtasks++) {
        using owned = new DisposableStack();
        const queue = libos.queue();
        owned.defer(() => libos.close(queue));
        const pop = () => libos.operations.pop(queue);
        const reader = owned.use(new Reader({ libos, pop }));
        const sga = libos.alloc(1);
        sga.bytes()[0] = 0x61;
        libos.wait(libos.push(queue, sga));
        const reading = reader.line();
        const ended = assertRejects(async () => await reading, Error);
        for (let i = 0; i < microtasks; i++) await null;
        if (end === "cancel") reading.cancel();
        else reader[Symbol.dispose]();
        await within(ended);
        assertEquals(libos.statistics().pending, 0);
        if (end === "cancel") assertEquals(text(await reader.exactly(1)), "a");
      }
    }
  },
);

netTest("Reader is closed when it cannot hold what it popped", async (libos) => {
  using owned = new DisposableStack();
  const pieces = makeReader(libos, owned, "abc", "def\n");
  const { socket, operations } = libos;
  const poor = { socket, operations, alloc: () => libos.alloc(2 ** 50) };
  const source = { libos: poor as unknown as LibOS, pop: () => pieces.pop() };
  const reader = owned.use(new Reader(source));
  await assertRejectsCode("ENOMEM", reader.line());
  await assertRejects(async () => await reader.line(), Deno.errors.BadResource);
});

netTest("Reader tells of a reset as the connection does", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server));
  libos.setsockopt(client.qd, "linger", 0);
  client.close();
  await assertRejects(async () => await reader.line(), Deno.errors.ConnectionReset);
});

netTest("Reader holds little of a line without an end", async (libos) => {
  using owned = new DisposableStack();
  const limit = 64 * 1024;
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(server, { limit }));
  const flood = client.push(new Uint8Array(32 * 1024 * 1024)).catch(() => {});
  await assertRejectsCode("EMSGSIZE", reader.line());
  const sending = 32 * 1024 * 1024;
  assert(libos.statistics().bufferBytes - sending <= 8 * limit);
  server.close();
  await flood;
});

netTest("Reader refuses what makes no sense, at once", async (libos) => {
  using owned = new DisposableStack();
  const reader = makeReader(libos, owned, "abc");
  for (const length of [-1, 0.5, NaN, "1"] as number[]) {
    assertCode("EINVAL", () => reader.exactly(length));
  }
  for (const delimiter of ["", new Uint8Array(0), 5, null] as string[]) {
    assertCode("EINVAL", () => reader.until(delimiter));
  }
  for (const limit of [0, -1, 1.5, "1"] as number[]) {
    assertCode("EINVAL", () => new Reader(reader, { limit }));
  }
  assertCode("EMSGSIZE", () => reader.exactly(2 ** 20 + 1));
  assertCode("EINVAL", () => reader.line({ timeout: -1 }));
  assertThrows(
    () => reader.line({ signal: AbortSignal.abort(new Error("before")) }),
    Error,
    "before",
  );
  assertEquals(text(await reader.exactly(0)), "");
  assertEquals(text(await reader.pop({ size: 2 })), "ab");
  assertEquals(text(await reader.rest()), "c");
  assertEquals(await reader.exactly(1), null);
});

netTest("Reader waits as its connection does, and holds little", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = owned.use(new Reader(client));
  await assertWaits(libos, {
    write: (chunk) => server.push(chunk),
    end: () => server.closeWrite(),
    async read() {
      using sga = await reader.exactly(CHUNK);
      return sga && sga.length;
    },
  });
}, { debug: false });

netTest("Reader and Messages leave nothing behind in 1 000 connections", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const before = held(libos);
  for (let i = 0; i < 1000; i++) {
    using client = await connect({ libos, port: listener.addr.port });
    using server = await listener.accept();
    using reader = new Reader(server);
    using messages = new Messages(client);
    await server.push(new Uint8Array([0, 0, 0, 1, 65, 0, 0]));
    await client.push(bytes("line\nand more"));
    assertEquals([await reader.line(), text(await messages.pop())], ["line", "A"]);
  }
  assertEquals(held(libos), before);
});
