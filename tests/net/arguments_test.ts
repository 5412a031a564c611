/**
 * Arguments and options of wrong kinds, as callers without types give them: each is refused at the call, by an error of
 * PDPIX in one line, and nothing has happened then.
 *
 * @module
 */

import { assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import {
  connect,
  Connection,
  type Datagram,
  datagram,
  DemikernelError,
  type Handler,
  type LibOS,
  listen,
  type Listener,
  open,
  serve,
} from "../../mod.ts";
import { generatorEcho, held, LOOPBACK, makePair, netTest } from "./_net.ts";

/** One value of each kind, and some that are long to tell. */
const VALUES: Record<string, unknown> = {
  null: null,
  true: true,
  number: 42,
  NaN: NaN,
  huge: 1e300,
  negative: -1,
  bigint: 10n ** 40n,
  string: "no\nsense",
  "long string": "x".repeat(10_000),
  symbol: Symbol("mine"),
  function: () => "catnap",
  array: ["catnap"],
  "long array": Array.from({ length: 1000 }, (_, i) => ({ i })),
  object: { toString: () => "catnap" },
  "bare object": Object.create(null),
  date: new Date(0),
  error: new Error("of two\nlines"),
};

/** What the calls are made on. */
interface Owned {
  readonly libos: LibOS;
  readonly connection: Connection;
  readonly listener: Listener;
  readonly socket: Datagram;
}

/** A call that takes one of those, and the names of those that it takes: what is right, or for the libOS to judge. */
type Taker = readonly [right: readonly string[], call: (owned: Owned, value: never) => unknown];

/** Objects in which every option is left out. */
const OBJECTS = ["object", "bare object", "date", "error"];
const STRINGS = ["string", "long string"];
const TIMES = ["number", "huge"];

/** What is opened on a libOS. */
function on({ libos }: Owned) {
  return { libos, ...LOOPBACK };
}

const PATH = "\0demikernel-arguments";

const TAKERS: Record<string, Taker> = {
  "open()": [OBJECTS, (_, value) => open(value)],
  "open({ libos })": [[], (_, libos) => open({ libos })],
  "open({ provider })": [[], (_, provider) => open({ provider })],
  "open({ library })": [STRINGS, (_, library) => open({ library })],
  "open({ idle })": [[], (_, idle) => open({ idle })],
  "open({ debug })": [["true"], (_, debug) => open({ debug })],

  "listen()": [[], (_, value) => listen(value)],
  "listen({ libos })": [[], (_, libos) => listen({ ...LOOPBACK, libos })],
  "listen({ hostname })": [[], (owned, hostname) => listen({ ...on(owned), hostname })],
  "listen({ port })": [["number"], (owned, port) => listen({ ...on(owned), port })],
  "listen({ path })": [["string"], ({ libos }, path) => listen({ libos, path })],
  "listen({ type })": [STRINGS, ({ libos }, type) => listen({ libos, path: PATH, type })],
  "listen({ backlog })": [["number"], (owned, backlog) => listen({ ...on(owned), backlog })],
  "listen({ reusePort })": [["true"], (owned, reusePort) => listen({ ...on(owned), reusePort })],

  "listen({ reuseAddress })": [
    ["true"],
    (owned, reuseAddress) => listen({ ...on(owned), reuseAddress }),
  ],

  "Listener.accept()": [OBJECTS, ({ listener }, value) => listener.accept(value)],
  "Listener.accept({ timeout })": [TIMES, ({ listener }, timeout) => listener.accept({ timeout })],
  "Listener.accept({ signal })": [[], ({ listener }, signal) => listener.accept({ signal })],

  "connect()": [[], (_, value) => connect(value)],
  "connect({ libos })": [[], (_, libos) => connect({ ...LOOPBACK, libos })],
  "connect({ hostname })": [[], (owned, hostname) => connect({ ...on(owned), hostname })],
  "connect({ port })": [["number"], (owned, port) => connect({ ...on(owned), port })],
  "connect({ path })": [["string"], ({ libos }, path) => connect({ libos, path })],
  "connect({ type })": [STRINGS, ({ libos }, type) => connect({ libos, path: PATH, type })],
  "connect({ timeout })": [TIMES, (owned, timeout) => connect({ ...on(owned), timeout })],
  "connect({ signal })": [[], (owned, signal) => connect({ ...on(owned), signal })],

  "new Connection()": [[], (_, libos) => new Connection(libos, 1)],
  "Connection.pop()": [OBJECTS, ({ connection }, value) => connection.pop(value)],
  "Connection.pop({ size })": [["number"], ({ connection }, size) => connection.pop({ size })],
  "Connection.pop({ timeout })": [TIMES, ({ connection }, timeout) => connection.pop({ timeout })],
  "Connection.pop({ signal })": [[], ({ connection }, signal) => connection.pop({ signal })],
  "Connection.push()": [STRINGS, ({ connection }, data) => connection.push(data)],
  "Connection.push(, options)": [
    OBJECTS,
    ({ connection }, value) => connection.push(new Uint8Array(1), value),
  ],
  "Connection.push(, { timeout })": [
    TIMES,
    ({ connection }, timeout) => connection.push(new Uint8Array(1), { timeout }),
  ],
  "Connection.push(, { signal })": [
    [],
    ({ connection }, signal) => connection.push(new Uint8Array(1), { signal }),
  ],
  "Connection.tryPush()": [STRINGS, ({ connection }, data) => connection.tryPush(data)],
  "Connection.tryPush(, limit)": [
    TIMES,
    ({ connection }, limit) => connection.tryPush(new Uint8Array(1), limit),
  ],
  "Connection.setNoDelay()": [["true"], ({ connection }, value) => connection.setNoDelay(value)],
  "Connection.setKeepAlive()": [
    ["true", "array", "long array", ...OBJECTS],
    ({ connection }, value) => connection.setKeepAlive(value),
  ],

  "datagram()": [OBJECTS, (_, value) => datagram(value)],
  "datagram({ libos })": [[], (_, libos) => datagram({ libos })],
  "datagram({ hostname })": [[], ({ libos }, hostname) => datagram({ libos, hostname })],
  "datagram({ port })": [["number"], ({ libos }, port) => datagram({ libos, port })],
  "datagram({ reusePort })": [["true"], ({ libos }, reusePort) => datagram({ libos, reusePort })],
  "datagram({ reuseAddress })": [
    ["true"],
    ({ libos }, reuseAddress) => datagram({ libos, reuseAddress }),
  ],
  "datagram({ broadcast })": [["true"], ({ libos }, broadcast) => datagram({ libos, broadcast })],
  "datagram({ groups })": [[], ({ libos }, groups) => datagram({ libos, groups })],
  "datagram({ groups: [] })": [[], ({ libos }, group) => datagram({ libos, groups: [group] })],
  "datagram({ groups: [{ group }] })": [
    [],
    ({ libos }, group) => datagram({ libos, groups: [{ group }] }),
  ],
  "datagram({ groups: [{ interface }] })": [
    ["null"],
    ({ libos }, one) => datagram({ libos, groups: [{ group: "239.1.2.3", interface: one }] }),
  ],
  "Datagram.push()": [STRINGS, ({ socket }, data) => socket.push(data, socket.addr)],
  "Datagram.push(, address)": [
    ["null"],
    ({ socket }, address) => socket.push(new Uint8Array(1), address),
  ],
  "Datagram.push(, { hostname })": [
    [],
    ({ socket }, hostname) => socket.push(new Uint8Array(1), { hostname, port: 1 }),
  ],
  "Datagram.push(, { port })": [
    ["number"],
    ({ socket }, port) => socket.push(new Uint8Array(1), { hostname: "127.0.0.1", port }),
  ],
  "Datagram.push(, , options)": [
    OBJECTS,
    ({ socket }, value) => socket.push(new Uint8Array(1), socket.addr, value),
  ],
  "Datagram.connect()": [[], ({ socket }, address) => socket.connect(address)],
  "Datagram.pop()": [OBJECTS, ({ socket }, value) => socket.pop(value)],

  "serve()": [[], (_, value) => serve(value, generatorEcho)],
  "serve(, handler)": [["function"], (owned, handler) => serve(on(owned), handler)],
  "serve({ libos })": [[], (_, libos) => serve({ ...LOOPBACK, libos }, generatorEcho)],
  "serve({ hostname })": [
    [],
    (owned, hostname) => serve({ ...on(owned), hostname }, generatorEcho),
  ],
  "serve({ signal })": [[], (owned, signal) => serve({ ...on(owned), signal }, generatorEcho)],
  "serve({ onListen })": [
    ["function"],
    (owned, onListen) => serve({ ...on(owned), onListen }, generatorEcho),
  ],
  "serve({ idleTimeout })": [
    TIMES,
    (owned, idleTimeout) => serve({ ...on(owned), idleTimeout }, generatorEcho).abort(),
  ],
  "serve({ onError })": [
    ["function"],
    (owned, onError) => serve({ ...on(owned), onError }, generatorEcho),
  ],
};

for (const [what, [right, call]] of Object.entries(TAKERS)) {
  netTest(`${what} refuses, in one line, what is of the wrong kind`, async (libos) => {
    using owned = new DisposableStack();
    const [connection] = await makePair(libos, owned);
    const listener = owned.use(listen({ libos, ...LOOPBACK }));
    const socket = owned.use(datagram({ libos }));
    const before = held(libos);
    for (const [name, value] of Object.entries(VALUES)) {
      if (right.includes(name)) continue;
      const made = { libos, connection, listener, socket };
      const error = assertThrows(() => call(made, value as never), DemikernelError);
      assertEquals(["EINVAL", "EAFNOSUPPORT"].includes(error.code), true, `${name}: ${error}`);
      assertEquals(error.message.includes("\n"), false, error.message);
      assertLess(error.message.length, 400);
    }
    assertEquals(held(libos), before);
  });
}

netTest("serve() refuses an async generator function as a handler", (libos) => {
  const handler = async function* () {} as unknown as Handler;
  for (const one of [handler, handler.bind(null)]) {
    const error = assertThrows(() => serve({ libos, ...LOOPBACK }, one), DemikernelError);
    assertStringIncludes(error.message, "an async function or a generator function");
  }
  return Promise.resolve();
});
