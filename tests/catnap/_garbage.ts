/**
 * Histories of calls with wrong arguments of every kind, on any libOS.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { DemikernelError } from "../../libos/error.ts";
import { OPTIONS } from "../../libos/catnap/options.ts";
import { open } from "../../libos/open.ts";
import type { LibOS, Sga } from "../../libos/pdpix.ts";

/** What a caller without types may give by mistake. */
const garbage = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, "", "1", -0, -1, 0.5, NaN, Infinity, 2 ** 53, 7n),
  fc.constantFrom<unknown>({}, [], () => {}, new Uint8Array(4), new Date(0), /x/),
  fc.constantFrom<unknown>(Symbol("x"), Object.create(null), "valueOf", "at", [7], [null]),
  fc.integer(),
  fc.double(),
  fc.string(),
);
const qd = fc.oneof(
  { arbitrary: fc.integer({ min: 1, max: 12 }), weight: 6 },
  { arbitrary: garbage, weight: 1 },
);
const port = fc.oneof(fc.constantFrom(0, 1, 65535), fc.integer(), garbage);
const hostname = fc.oneof(
  fc.constantFrom("127.0.0.1", "::1", "0.0.0.0", "::", "127.255.255.255", "239.0.0.1", "ff02::1%1"),
  fc.ipV4(),
  fc.ipV6(),
  garbage,
);
/** Nothing leaves this host: what is sent goes to loopback, to nowhere, or nowhere at all. */
const localAddress = fc.record({
  hostname: fc.constantFrom("127.0.0.1", "::1", "0.0.0.0", "::", "127.255.255.255"),
  port: fc.constantFrom(0, 1, 9),
});
const path = fc.oneof(
  fc.string({ minLength: 1 }).map((name) => `\0catnap-garbage-${Deno.pid}-${name}`),
  fc.constantFrom("/dev/null", "/nonexistent/x", "", "\0", "x".repeat(200)),
);
const address = fc.oneof(
  localAddress,
  fc.record({ path }),
  fc.record({ hostname, port }).filter((address) => !isRemote(address)),
  garbage,
);
const size = fc.oneof(fc.nat(100_000), garbage);
const option = fc.oneof(
  fc.constantFrom(...OPTIONS),
  garbage,
);
const value = fc.oneof(
  fc.boolean(),
  fc.nat(300),
  fc.record({ group: hostname, interface: fc.oneof(hostname, fc.nat(3)) }),
  fc.record({ idle: garbage, interval: garbage, count: garbage }, { requiredKeys: [] }),
  garbage,
);

/** Whether an address is a whole one, of another host. */
function isRemote({ hostname, port }: { hostname: unknown; port: unknown }): boolean {
  return typeof hostname === "string" && Number.isInteger(port) &&
    !/^(127\.|::1?$|0\.0\.0\.0$)/.test(hostname);
}

/** What is given: an sga of its own, one that was pushed, one of another libOS, or none. */
const sga = fc.oneof(
  fc.constantFrom("new", "new", "new", "large", "pushed", "freed", "foreign"),
  garbage,
);

/** One call. */
export type Call = readonly [name: string, ...args: unknown[]];

/** Any call, with any arguments. */
export const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(
    fc.constant("socket"),
    fc.oneof(fc.constantFrom("inet", "inet6", "unix"), garbage),
    fc.oneof(fc.constantFrom("stream", "dgram", "seqpacket"), garbage),
  ),
  fc.tuple(fc.constantFrom("bind", "connect"), qd, address),
  fc.tuple(fc.constant("listen"), qd, fc.oneof(fc.nat(10), garbage)),
  fc.tuple(fc.constantFrom("accept", "close", "getsockname", "getpeername", "ref", "unref"), qd),
  fc.tuple(
    fc.constant("shutdown"),
    qd,
    fc.oneof(fc.constantFrom("read", "write", "both"), garbage),
  ),
  fc.tuple(fc.constant("setsockopt"), qd, option, value),
  fc.tuple(fc.constant("getsockopt"), qd, option),
  fc.tuple(fc.constant("push"), qd, sga),
  fc.tuple(fc.constant("pushTo"), qd, sga, address),
  fc.tuple(fc.constant("pop"), qd, size),
  fc.tuple(fc.constantFrom("cancel", "wait"), fc.oneof(fc.nat(20), garbage), fc.constant(0)),
  fc.tuple(fc.constant("waitNextN"), fc.oneof(fc.nat(20), garbage), fc.constant(0)),
  fc.tuple(
    fc.constantFrom("waitAny", "waitAll"),
    fc.oneof(fc.array(garbage), garbage),
    fc.constant(0),
  ),
  fc.tuple(fc.constantFrom("spawn", "free", "operation"), garbage),
  fc.tuple(
    fc.constant("alloc"),
    garbage.filter((value) => !(typeof value === "number" && value > 1e5)),
  ),
  fc.tuple(
    fc.constant("pipe"),
    fc.oneof(
      fc.constantFrom(...["a", "b", "c"].map((name) => `garbage-${Deno.pid}-${name}`)),
      garbage,
    ),
    fc.oneof(fc.constantFrom("pop", "push"), garbage),
  ),
  fc.tuple(fc.constantFrom("poll", "queue", "statistics")),
);

const DATA = ["accept", "connect", "push", "pushTo", "pop"];

/** Makes a call; gives what it gave, and lets nothing pass but a DemikernelError. */
function make(libos: LibOS, name: string, args: unknown[]): unknown {
  try {
    return (libos as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args);
  } catch (error) {
    assert(error instanceof DemikernelError, `${name} threw ${Deno.inspect(error)}`);
    assert(/^E[A-Z]+$/.test(error.code), error.message);
    return undefined;
  }
}

/** Pushes an sga to where it is freed. */
function pushAway(libos: LibOS, sga: Sga): void {
  const queue = libos.queue();
  libos.wait(libos.push(queue, sga));
  libos.close(queue);
}

/** Runs a history of calls on a libOS that is not used otherwise, waits for all it began, and closes it. */
export async function run(calls: readonly Call[], libos: LibOS): Promise<void> {
  const other = open({ libos: "catnap", idle: "spin" });
  const foreign = other.alloc(8);
  const tokens: number[] = [];
  const sgas: Sga[] = [];
  const makeSga = (kind: unknown) => {
    if (kind === "foreign") return foreign;
    if (kind !== "new" && kind !== "large" && kind !== "pushed" && kind !== "freed") return kind;
    const one = libos.alloc(kind === "large" ? [9, 0, 70_000] : 8);
    if (kind === "pushed") pushAway(libos, one);
    if (kind === "freed") one.free();
    else sgas.push(one);
    return one;
  };
  for (const [name, ...args] of calls) {
    if (name.startsWith("push")) args[1] = makeSga(args[1]);
    if (name === "cancel" || name === "wait") {
      if (typeof args[0] === "number" && args[0] in tokens) args[0] = tokens[args[0]];
    }
    const result = make(libos, name, args);
    if (DATA.includes(name) && result !== undefined) tokens.push(result as number);
    if (name === "alloc" && result !== undefined) sgas.push(result as Sga);
    libos.poll();
  }
  for (const one of sgas) one[Symbol.dispose]();
  await libos.exit();
  for (const token of tokens) make(libos, "wait", [token, 0]);
  assertEquals(libos.statistics().pending, 0);
  foreign.free();
  await other.exit();
}
