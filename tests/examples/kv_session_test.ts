/**
 * Sessions: whatever pieces requests come in, the replies are the same.
 *
 * @module
 */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { freedBytes, Session, Store } from "../../examples/kv/mod.ts";
import { spanOf } from "../../examples/kv/span.ts";
import { scripts } from "./kv_scripts.ts";
import { bytes, feed, newSession, request, run, takeReply } from "./kv_testing.ts";

/** Times stand still, so that two sessions say the same. */
const fixed = () => newSession({ clock: () => 1_700_000_000_000 });

/** Feeds pieces of a stream, cut at the places given. */
function feedPieces(session: Session, stream: Uint8Array, cuts: readonly number[]): string {
  let replies = "";
  let start = 0;
  for (const cut of [...cuts, stream.length]) {
    if (cut <= start || cut > stream.length) continue;
    // A copy that is spoiled afterwards, as the buffer of a libOS is when it is free.
    const piece = stream.slice(start, cut);
    replies += feed(session, piece);
    piece.fill(0xaa);
    start = cut;
  }
  return replies;
}

for (const [name, script] of Object.entries(scripts)) {
  // INFO counts the bytes that have come.
  if (name === "COMMAND and INFO") continue;
  Deno.test(`Session.feed() replies the same to "${name}" when it comes byte by byte`, () => {
    const stream = bytes(script.join(""));
    const whole = feed(fixed(), stream);
    const pieces = feedPieces(fixed(), stream, Array.from(stream, (_, i) => i));
    assertEquals(withoutMeasures(pieces), withoutMeasures(whole));
  });
}

/** Without what CLIENT INFO says of the replies that wait to be sent, and the length of that. */
function withoutMeasures(replies: string): string {
  return replies.replace(/obl=\d+/g, "").replace(/\d+\r\n(?=(txt:)?id=)/g, "");
}

Deno.test("Session.feed() replies the same when a stream is cut once, at every place", () => {
  const stream = bytes(
    [
      request("SET", "k", "v\r\n\0\xff"),
      "GET k\r\n",
      request("MSET", "a", "1", "b", "2"),
      "\r\n*0\r\n*-1\r\n",
      'ECHO "a b"\r\n',
      request("MGET", "a", "b", "none"),
      request("NONSENSE", "x"),
    ].join(""),
  );
  const whole = feed(fixed(), stream);
  for (let cut = 0; cut <= stream.length; cut++) {
    assertEquals(feedPieces(fixed(), stream, [cut]), whole, `cut at ${cut}`);
  }
});

Deno.test("Session.feed() keeps a large value when it comes in pieces of any size", () => {
  const value = Array.from({ length: 300_000 }, (_, i) => String.fromCharCode(i % 251)).join("");
  const stream = bytes(
    request("SET", "k", value) + request("ECHO", "after") + request("STRLEN", "k"),
  );
  for (const size of [1000, 16_384, 65_536, 100_000, 299_999, 300_030]) {
    const cuts = Array.from({ length: Math.ceil(stream.length / size) }, (_, i) => i * size);
    const session = newSession();
    assertEquals(feedPieces(session, stream, cuts), "+OK\r\n$5\r\nafter\r\n:300000\r\n", `${size}`);
    assertEquals(run(session, "GET k"), `$300000\r\n${value}\r\n`, `${size}`);
  }
});

const word = fc.oneof(
  fc.constantFrom("a", "b", "", "1", "NX", "EX", "10"),
  fc.uint8Array({ maxLength: 40 }).map((array) => String.fromCharCode(...array)),
  // Around the size from which an argument has memory of its own.
  fc.constantFrom(32_767, 32_768, 32_769, 70_000).map((length) => "x\xe9".repeat(length / 2)),
);
const name = fc.constantFrom("SET", "get", "MSET", "MGET", "APPEND", "DEL", "INCR", "ECHO", "FOO");
const anyRequest = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(name, fc.array(word, { maxLength: 4 })) },
).map(([first, rest]) => request(first, ...rest));
const inlineRequest = fc.stringMatching(/^(echo|get|set) [a-z"' \\]{0,12}$/).map((line) =>
  line + "\r\n"
);
const stream = fc.array(fc.oneof({ weight: 4, arbitrary: anyRequest }, inlineRequest), {
  maxLength: 8,
}).map((requests) => bytes(requests.join("")));

Deno.test("Session.feed() replies the same when any requests are cut at any places", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (whole, places) => {
      const cuts = places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b);
      assertEquals(feedPieces(fixed(), whole, cuts), feed(fixed(), whole));
    }),
    { numRuns: 300 },
  );
});

Deno.test("Session.feed() replies, or says what is wrong, when it is given any bytes", () => {
  const lineByte = fc.constantFrom(...bytes("*$\r\n0123456789-\"'\\ PINGSETxyz\0\xff"));
  const piece = fc.array(fc.oneof(fc.nat({ max: 255 }), lineByte), { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const all = pieces.map((piece) => Uint8Array.from(piece));
      const [session, other] = [fixed(), fixed()];
      const replies = all.map((one) => feed(session, one)).join("");
      assertEquals(
        feed(other, bytes(all.map((one) => String.fromCharCode(...one)).join(""))),
        replies,
      );
      if (!session.open) assertEquals(feed(session, request("PING")), "");
    }),
    { numRuns: 2000 },
  );
});

Deno.test("Session.feed() runs every request when ten thousand come at once", () => {
  const session = newSession();
  const input = Array.from({ length: 10_000 }, (_, i) => request("SET", `key:${i}`, i)).join("");
  assertEquals(feed(session, input), "+OK\r\n".repeat(10_000));
  assertEquals(run(session, "DBSIZE"), ":10000\r\n");
});

Deno.test("Session.feed() pauses when many bytes of replies wait to be sent", () => {
  const session = newSession();
  feed(session, request("SET", "k", "x".repeat(100_000)));
  session.feed(bytes(request("GET", "k").repeat(50) + request("PING")));
  let sent = "";
  do {
    assertEquals(session.reply.length <= 128 * 1024, true);
    sent += takeReply(session);
  } while (session.resume());
  assertEquals(sent, `$100000\r\n${"x".repeat(100_000)}\r\n`.repeat(50) + "+PONG\r\n");
  assertEquals(run(session, "PING"), "+PONG\r\n");
});

Deno.test("Session.feed() throws when the replies to what came before still wait", () => {
  const session = newSession();
  feed(session, request("SET", "k", "x".repeat(200_000)));
  session.feed(bytes(request("GET", "k").repeat(2)));
  assertThrows(() => session.feed(bytes("PING\r\n")), Error, "Cannot feed");
});

Deno.test("Session.feed() throws when a request is longer than the limit", () => {
  const limits = { maximumRequestLength: 100_000 };
  // Many small arguments, a large one, and several of which none is too large.
  for (
    const input of [
      "*1000000\r\n" + "$1\r\nx\r\n".repeat(20_000),
      `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100001\r\n`,
      "*9\r\n" + `$40000\r\n${"x".repeat(40_000)}\r\n`.repeat(3),
    ]
  ) {
    const session = newSession(limits);
    const pieces = input.match(/[^]{1,10000}/g)!;
    assertThrows(
      () => pieces.forEach((piece) => feed(session, piece)),
      RangeError,
      "Cannot read request",
    );
    assertEquals(session.open, false);
  }
});

Deno.test("Session.feed() takes a long stream when each request is within the limit", () => {
  const session = newSession({ maximumRequestLength: 100_000 });
  const one = request("SET", "k", "x".repeat(60_000));
  assertEquals(
    feedPieces(session, bytes(one.repeat(10)), [50_000, 150_000, 300_001]),
    "+OK\r\n".repeat(10),
  );
});

Deno.test("Session.feed() replies with an error when a pattern is too long for a string", () => {
  const session = newSession();
  const huge = new Uint8Array(2 ** 29 - 20);
  session.feed(bytes(`*2\r\n$4\r\nKEYS\r\n$${huge.length}\r\n`));
  session.feed(huge);
  session.feed(bytes("\r\n"));
  assertEquals(takeReply(session), "-ERR Invalid argument: longer than 536870888 bytes\r\n");
  assertEquals(run(session, "PING"), "+PONG\r\n");
});

Deno.test("Session.feed() names an unknown command when its name is huge", () => {
  const session = newSession();
  assertEquals(
    feed(session, request("x".repeat(1_000_000), "y".repeat(1_000_000))),
    `-ERR unknown command '${"x".repeat(128)}', with args beginning with: '${
      "y".repeat(128)
    }' \r\n`,
  );
});

Deno.test("Session.close() takes the client off the list when a request is unfinished", () => {
  const session = newSession();
  const other = newSession();
  session.feed(bytes("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nxxx"));
  session.close();
  assertEquals([session.store.sessions.size, other.store.sessions.size], [0, 1]);
  assertEquals(session.open, false);
});

Deno.test("Session.feed() refuses what adds to memory when memory is full", () => {
  const session = newSession({ maximumMemory: 10_000 });
  const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  let keys = 0;
  while (run(session, `SET key:${keys} ${"x".repeat(500)}`) === "+OK\r\n") keys++;
  assertEquals(keys > 10 && keys < 20, true);
  for (const line of ["SET a b", "APPEND key:0 x", "INCR n", "MSET a b", "DECRBY n 1"]) {
    assertEquals(run(session, line), oom, line);
  }
  for (const line of ["GET key:0", "EXPIRE key:0 1000", "DBSIZE", "PING", "SCAN 0"]) {
    assertEquals(run(session, line).startsWith("-"), false, line);
  }
  assertEquals(run(session, "GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  assertEquals(run(session, "DEL key:0 key:1"), ":2\r\n");
  assertEquals(run(session, "SET a b"), "+OK\r\n");
});

Deno.test("Session.kill() closes the connection of another at once, and its own after the reply", () => {
  const store = newSession().store;
  const closed: string[] = [];
  const connect = (address: string) =>
    new Session(store, { address, disconnect: () => closed.push(address) });
  const [a, b, c] = [connect("a:1"), connect("b:2"), connect("c:3")];
  assertEquals(run(a, `CLIENT KILL ID ${b.id}`), ":1\r\n");
  assertEquals([closed, b.open, store.sessions.has(b.id)], [["b:2"], false, false]);
  assertEquals(run(a, "CLIENT KILL c:3"), "+OK\r\n");
  assertEquals([closed, c.open], [["b:2", "c:3"], false]);
  assertEquals(run(a, "CLIENT KILL a:1"), "+OK\r\n");
  assertEquals([closed.length, a.open], [2, false]);
});

/** Takes what a session has to say, and goes on until it has said all; no batch may be large. */
function takeBatches(session: Session): string {
  let replies = "";
  do {
    assertEquals(session.reply.length <= 128 * 1024, true);
    replies += takeReply(session);
  } while (session.resume());
  return replies;
}

/** What is replied of values: a bulk string for each, or null. */
function bulks(...values: (string | null)[]): string {
  return values.map((value) => value === null ? "$-1\r\n" : `$${value.length}\r\n${value}\r\n`)
    .join("");
}

Deno.test("Session.feed() replies in batches when a reply is long", () => {
  // Around the ends of batches, whole ones and those of headers.
  for (let size = 131_020; size < 131_075; size++) {
    const session = newSession();
    const [large, small] = ["x".repeat(size), "y".repeat(1000)];
    feed(session, request("MSET", "large", large, "small", small));
    session.feed(bytes(request("MGET", "large", "none", "small", "large") + request("PING")));
    assertEquals(takeBatches(session), "*4\r\n" + bulks(large, null, small, large) + "+PONG\r\n");
  }
});

Deno.test("Session.feed() replies in batches when keys or arguments are long", () => {
  const session = newSession();
  const keys = Array.from({ length: 5000 }, (_, i) => `${i}`.padStart(50));
  feed(session, keys.map((key) => request("SET", key, "")).join("") + request("HELLO", 3));
  for (
    const [words, head] of [[["KEYS", "*"], ""], [
      ["SCAN", "0", "COUNT", "9999"],
      "*2\r\n$1\r\n0\r\n",
    ]] as const
  ) {
    session.feed(bytes(request(...words)));
    const replies = takeBatches(session);
    assertEquals(replies.slice(0, head.length + 7), head + "*5000\r\n");
    const found = replies.slice(head.length + 7).split("\r\n").filter((_, i) => i % 2 === 1);
    assertEquals(found.sort(), keys);
  }
  session.feed(bytes(request("MGET", ...keys, ...Array(40_000).fill("none"))));
  assertEquals(
    takeBatches(session),
    "*45000\r\n" + "$0\r\n\r\n".repeat(5000) + "_\r\n".repeat(40_000),
  );
  const argument = "z".repeat(500_000);
  for (const name of ["ECHO", "PING"]) {
    let replies = "";
    for (const piece of request(name, argument).match(/[^]{1,65536}/g)!) {
      session.feed(bytes(piece));
      replies += takeBatches(session);
    }
    assertEquals(replies, bulks(argument));
  }
});

Deno.test("Session.resume() replies with what was there when the command ran, whatever others do since", () => {
  const values = [10, 1000, 100_000, 100_001, 200_000].map((size, i) => `${i}`.repeat(size));
  const names = values.map((_, i) => `k${i}`);
  const expected = `*${values.length}\r\n` + bulks(...values);
  for (
    const change of [
      ...names.map((name) => request("SET", name, "short")),
      ...names.map((name, i) => request("SET", name, "z".repeat(values[i]!.length))),
      ...names.map((name) => request("APPEND", name, "z".repeat(10))),
      names.map((name, i) => request("SET", name, "z".repeat(values[i]!.length - 10))).join(""),
      request("DEL", ...names) +
      Array.from({ length: 3000 }, (_, i) => request("SET", i, "z".repeat(500))).join(""),
      request("FLUSHALL") + request("SET", "k0", "z".repeat(100_000)),
    ]
  ) {
    const session = newSession();
    const other = new Session(session.store);
    feed(session, request("MSET", ...names.flatMap((name, i) => [name, values[i]!])));
    session.feed(bytes(request("MGET", ...names)));
    let replies = takeReply(session);
    feed(other, change);
    while (session.resume()) replies += takeReply(session);
    assertEquals(replies, expected, change.slice(0, 60));
  }
});

Deno.test("Session.close() frees what its replies hold", () => {
  for (const end of ["closed", "sent"]) {
    const session = newSession();
    const other = new Session(session.store);
    feed(other, request("SET", "k", "x".repeat(1_000_000)));
    const [database] = session.store.databases;
    const memory = database!.value(database!.find(spanOf("k"))).bytes.buffer as ArrayBuffer;
    session.feed(bytes(request("GET", "k")));
    feed(other, request("DEL", "k"));
    // It counts as long as it is there, so that clients that do not read cannot fill the memory.
    assertEquals([memory.detached, session.store.statistics.memory > 1_000_000], [false, true]);
    if (end === "closed") session.close();
    else takeBatches(session);
    assertEquals([memory.detached, session.store.statistics.memory], [true, 0]);
  }
});

Deno.test("Session.close() frees the memory of an unfinished request", () => {
  const before = freedBytes();
  for (
    const unfinished of [
      "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\nx",
      `*3\r\n$500000\r\n${"x".repeat(500_000)}\r\n$1000000\r\nx`,
    ]
  ) {
    const session = newSession();
    feed(session, unfinished);
    session.close();
  }
  assertEquals(freedBytes() - before > 2_500_000, true);
});

Deno.test("Session.feed() frees the value that another takes the place of, and copies neither", () => {
  const session = newSession();
  const [database] = session.store.databases;
  const pieces = request("SET", "k", "x".repeat(1_000_000)).match(/[^]{1,65536}/g)!;
  const memories: ArrayBuffer[] = [];
  const before = freedBytes();
  for (let i = 0; i < 10; i++) {
    for (const piece of pieces) feed(session, piece);
    memories.push(database!.value(database!.find(spanOf("k"))).bytes.buffer as ArrayBuffer);
  }
  assertEquals(memories.map(({ detached }) => detached), [...Array(9).fill(true), false]);
  // Nine old values, and nothing else of that size.
  assertEquals(Math.floor((freedBytes() - before) / 1_000_000), 9);
});

Deno.test("Session.feed() replies with an error when there is no memory for the reply", () => {
  const session = new Session(new Store(), {}, (size, old) => {
    if (size > 100_000) throw new RangeError("no memory");
    return new Uint8Array(Math.max(size, old.length));
  });
  feed(session, request("SET", "k", "x".repeat(120_000)));
  assertEquals(run(session, "GET k"), "-OOM command not allowed: no memory for the reply\r\n");
  assertEquals(run(session, "PING"), "+PONG\r\n");
});

Deno.test("Session.open is false, with an error to reply, when there are too many clients", () => {
  const store = new Store({ maximumClients: 2 });
  const [first] = [new Session(store), new Session(store)];
  const third = new Session(store);
  assertEquals([third.open, takeReply(third)], [false, "-ERR max number of clients reached\r\n"]);
  third.close();
  first.close();
  assertEquals(new Session(store).open, true);
});

Deno.test("Session.feed() tells the limit of memory that it keeps to", () => {
  const session = newSession({ maximumMemory: 3.5 * 2 ** 30 });
  assertEquals(
    run(session, "CONFIG GET maxmemory"),
    "*2\r\n$9\r\nmaxmemory\r\n$10\r\n3758096384\r\n",
  );
  assertMatch(run(session, "INFO memory"), /maxmemory:3758096384\r\nmaxmemory_human:3.50G\r\n/);
  assertMatch(run(newSession(), "INFO memory"), /maxmemory:0\r\nmaxmemory_human:0B\r\n/);
});
