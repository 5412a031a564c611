/**
 * The store against a real Redis 7.0: the same requests must give the same bytes.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { Session, Store } from "../../examples/kv/mod.ts";
import { missingRedis, needing } from "../_needs.ts";
import { assertReplies } from "./kv_compare.ts";
import { scripts } from "./kv_scripts.ts";
import { bytes, command, feed, newSession, RedisServer, request, takeReply } from "./kv_testing.ts";

const missing = missingRedis();

Deno.test({
  ...needing(missing, "Session.feed() replies as Redis does to scripted sessions"),
  async fn(t) {
    await using server = await RedisServer.start();
    for (const [name, script] of Object.entries(scripts)) {
      await t.step(name, async () => {
        using client = await server.connect();
        assertEquals(await client.call(request("FLUSHALL")), "+OK\r\n");
        const session = newSession();
        // Without replies there is nothing to wait for: such a script is played in one piece.
        const silent = script.some((step) => /\r\nREPLY\r\n\$\d+\r\n(OFF|SKIP)/.test(step));
        const steps = silent ? [script.join("") + command("CLIENT REPLY ON")] : script;
        for (const step of steps) {
          assertReplies(step, feed(session, step), await client.call(step));
        }
      });
    }
  },
});

Deno.test({
  ...needing(missing, "Session.feed() replies as Redis does when the limit of strings is reached"),
  async fn() {
    const limit = 2 ** 20;
    await using server = await RedisServer.start("--proto-max-bulk-len", String(limit));
    const script = [
      request("SET", "k", "x".repeat(limit)),
      request("STRLEN", "k"),
      request("APPEND", "k", ""),
      request("APPEND", "k", "y"),
      request("APPEND", "new", "x".repeat(limit)),
      request("APPEND", "half", "x".repeat(limit / 2)),
      request("APPEND", "half", "y".repeat(limit / 2)),
      request("APPEND", "half", "z"),
      request("GET", "half"),
      request("CONFIG", "GET", "proto-max-bulk-len"),
      `*2\r\n$4\r\nECHO\r\n$${limit + 1}\r\n`,
    ];
    using client = await server.connect();
    const session = newSession({ maximumBulkLength: limit });
    for (const step of script) assertReplies(step, feed(session, step), await client.call(step));
  },
});

Deno.test({
  ...needing(missing, "Session.feed() replies as Redis does when lines are too long"),
  async fn() {
    await using server = await RedisServer.start();
    const tooLong = 64 * 1024 + 1;
    for (
      const script of [
        ["x".repeat(tooLong)],
        ["PING\r\n", " ".repeat(tooLong)],
        ["*" + "1".repeat(tooLong - 1)],
        ["*1\r\n" + "$".repeat(tooLong)],
        ["*1\r\n" + "x".repeat(tooLong)],
        ["*2\r\n$4\r\nECHO\r\n$" + "1".repeat(tooLong)],
      ]
    ) {
      const session = newSession();
      using client = await server.connect();
      const actual = script.map((step) => feed(session, step)).join("");
      assertEquals(actual, await client.callAndEnd(bytes(script.join(""))));
    }
  },
});

/** Few keys and values, so that commands meet; numbers near every edge. */
const key = fc.constantFrom("a", "b", "c", "", "\xff\0", "long".repeat(300));
const integer = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.bigInt({ min: -(2n ** 63n) - 2n, max: 2n ** 63n + 2n }).map(String),
  fc.constantFrom(
    ...[0n, 2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 63n)]
      .flatMap((edge) => [-2n, -1n, 0n, 1n, 2n].map((step) => String(edge + step))),
  ),
  fc.constantFrom("", "x", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3"),
);
const value = fc.oneof(
  integer,
  fc.uint8Array({ maxLength: 80 }).map((array) => String.fromCharCode(...array)),
  fc.integer({ min: 0, max: 3000 }).map((length) => "v\xe9".repeat(length)),
);
/** Times that are over, or so far away that the rounding of TTL does not depend on the clock. */
const seconds = fc.constantFrom("-1", "0", "1000", "2000", "3000", "x", "9223372036854775807");
const milliseconds = fc.constantFrom("-1", "0", "1000000", "2000000", "-9223372036854775808");
const word = (...words: string[]) =>
  fc.constantFrom(...words, ...words.map((w) => w.toLowerCase()));
const setOption = fc.oneof(
  word("NX", "XX", "GET", "KEEPTTL").map((option) => [option]),
  fc.tuple(word("EX"), seconds),
  fc.tuple(word("PX"), milliseconds),
  fc.tuple(word("EXAT", "PXAT"), fc.constantFrom("1", "0", "-1", "x", "33177117420000")),
  word("EX", "NONSENSE").map((option) => [option]),
);
const expireOption = word("NX", "XX", "GT", "LT");
const randomCommand: fc.Arbitrary<string[]> = fc.oneof(
  fc.tuple(word("GET", "STRLEN", "INCR", "DECR", "TTL", "PERSIST", "TYPE"), key),
  fc.tuple(word("SET", "APPEND"), key, value),
  fc.tuple(fc.constant("SET"), key, value, fc.array(setOption, { maxLength: 3 }))
    .map(([name, k, v, options]) => [name, k, v, ...options.flat()]),
  fc.tuple(word("INCRBY", "DECRBY"), key, integer),
  fc.tuple(fc.constant("EXPIRE"), key, seconds, fc.array(expireOption, { maxLength: 2 }))
    .map(([name, k, time, options]) => [name, k, time, ...options]),
  fc.tuple(fc.constant("PEXPIRE"), key, milliseconds, fc.array(expireOption, { maxLength: 2 }))
    .map(([name, k, time, options]) => [name, k, time, ...options]),
  fc.tuple(word("DEL", "UNLINK", "EXISTS", "MGET", "MSET"), fc.array(key, { maxLength: 4 }))
    .map(([name, keys]) => [name, ...keys]),
  fc.tuple(word("SELECT"), word("0", "1", "15", "16")),
  fc.tuple(word("ECHO", "PING", "GETT"), value),
  word("DBSIZE", "FLUSHDB", "PING", "RESET", "FLUSHALL").map((name) => [name]),
  fc.tuple(word("HELLO"), word("1", "4")),
  fc.array(value, { minLength: 1, maxLength: 4 }),
);

Deno.test({
  ...needing(missing, "Session.feed() replies as Redis does to random commands"),
  async fn() {
    await using server = await RedisServer.start();
    using client = await server.connect();
    await fc.assert(
      fc.asyncProperty(fc.array(randomCommand, { maxLength: 60 }), async (commands) => {
        const session = newSession();
        await client.call(request("RESET") + request("FLUSHALL"));
        const steps = commands.filter(([name]) => !/^(quit|post|host:)$/i.test(name!))
          // A key that expired already is counted until it is collected, and Redis may do so any time.
          .flatMap((words) => /^dbsize$/i.test(words[0]!) ? [["KEYS", "\x01"], words] : [words]);
        const input = steps.map((words) => request(...words)).join("");
        assertReplies(input, feed(session, input), await client.call(input));
      }),
      { numRuns: 400 },
    );
  },
});

Deno.test({
  ...needing(missing, "Session.feed() matches patterns as Redis does"),
  async fn() {
    await using server = await RedisServer.start();
    using client = await server.connect();
    const piece = fc.constantFrom("a", "b", "c", "*", "?", "[", "]", "^", "-", "\\", "[a-b]", "[^");
    const pattern = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(""));
    const name = fc.array(fc.constantFrom("a", "b", "c", "[", "]", "^", "-", "\\", "*"), {
      maxLength: 6,
    }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(
        name,
        fc.array(pattern, { minLength: 30, maxLength: 30 }),
        async (k, all) => {
          const requests = [["FLUSHALL"], ["SET", k, ""], ...all.map((one) => ["KEYS", one])];
          const input = requests.map((words) => request(...words)).join("");
          assertEquals(
            feed(newSession(), input),
            await client.call(input),
            JSON.stringify([k, all]),
          );
        },
      ),
      { numRuns: 300 },
    );
  },
});

Deno.test({
  ...needing(missing, "Session.feed() replies as Redis does to damaged requests"),
  async fn() {
    await using server = await RedisServer.start();
    // Redis searches lines as C strings and so waits for ever where one has a NUL: not to be copied.
    const byte = fc.integer({ min: 1, max: 255 });
    const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(byte, fc.constantFrom(10, 13, 36, 42))), {
      maxLength: 3,
    });
    const harmless = fc.array(fc.stringMatching(/^[a-z"' \\]{0,6}$/), {
      minLength: 1,
      maxLength: 3,
    });
    const inline = fc.stringMatching(/^(echo|get|foo) [a-z"' \\]{0,12}$/).map((line) =>
      line + "\r\n"
    );
    const requests = fc.array(fc.oneof(harmless.map((words) => request(...words)), inline), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(requests, damage, async (whole, changes) => {
        const input = bytes(whole.join(""));
        for (const [at, code] of changes) if (input.length > 0) input[at % input.length] = code;
        const session = new Session(new Store());
        session.feed(input);
        using client = await server.connect();
        assertEquals(takeReply(session), await client.callAndEnd(input), String(input));
      }),
      { numRuns: 1000 },
    );
  },
});
