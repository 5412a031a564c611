/**
 * What the tests of the binding run in a process of its own: a thread has one libOS for good, a library stays
 * open, and a panic of the library ends the process.
 *
 * Arguments: what to do, the library, and where it is needed, the configuration file. Prints JSON.
 *
 * @module
 */

import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { Calls } from "../../ffi/demikernel/calls.ts";
import { OPCODE } from "../../ffi/demikernel/layout.ts";
import { load } from "../../ffi/demikernel/load.ts";
import { SgaAllocator } from "../../ffi/demikernel/sga_allocator.ts";
import { start } from "../../ffi/demikernel/start.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const SOCK_STREAM = 1;
const WORKER = new URL("_demikernel_worker.ts", import.meta.url);

function open(path: string, libos: NativeLibOS, configuration: string): Calls {
  const library = load(libos, path);
  return new Calls(library, start(library, libos, configuration));
}

/** Waits for the first token, and gives the opcode of its result. */
function complete(calls: Calls): number {
  calls.setTimeout(5, 0);
  const result = calls.waitAny(1);
  if (result !== 0) throw new Error(`waitAny: ${result}`);
  return calls.results[calls.layout.result.opcode / 4]!;
}

function ok(result: number): number {
  if (result < 0) throw new Error(`errno ${-result}`);
  return result;
}

function fill(calls: Calls, sga: number, data: Uint8Array<ArrayBuffer>): void {
  if (!calls.allocate(sga, data.length)) throw new Error("no memory");
  calls.copyIn(sga, calls.addressOf(data), data.length);
}

function read(calls: Calls, sga: number): string {
  const data = new Uint8Array(calls.length(sga));
  calls.copyOut(sga, calls.addressOf(data), data.length);
  return new TextDecoder().decode(data);
}

/** Which layout the library has, and what an sga of it looks like. */
function probe(path: string, configuration: string): unknown {
  const calls = open(path, "catnap", configuration);
  const allocated = calls.allocate(5, 1000);
  const before = [calls.segments(5), calls.length(5)];
  calls.cut(5, 20);
  return {
    layout: calls.layout.name,
    allocated,
    before,
    after: calls.length(5),
    free: calls.free(5),
  };
}

/** What is left of data that was cut down. */
function cut(path: string, configuration: string): unknown {
  const calls = open(path, "catnap", configuration);
  fill(calls, 0, new TextEncoder().encode("0123456789"));
  calls.cut(0, 4);
  const left = read(calls, 0);
  return { left, free: calls.free(0) };
}

/** What is allocated the way that works on every processor, and what lies behind it. */
function allocateAnywhere(path: string, configuration: string): unknown {
  const library = load("catnap", path);
  const { sga, segment } = start(library, "catnap", configuration);
  const bytes = new Uint8Array(sga.size + 4).fill(0xee);
  const address = library.symbols.address_of(bytes, 0, 0n);
  new SgaAllocator(library.symbols, false).into(address, bytes, 0, sga.size, 100);
  const words = new Uint32Array(bytes.buffer);
  return {
    segments: words[sga.numsegs / 4],
    length: words[(sga.segments + segment.length) / 4],
    behind: words[sga.size / 4],
    free: library.symbols.demi_sgafree(address),
  };
}

/** Results that are looked at without waiting: none before a poll has run, and each one once. */
function look(path: string, configuration: string): unknown {
  const calls = open(path, "catmem", configuration);
  const name = `demikernel-deno-test-${Deno.pid}`;
  const receiver = ok(calls.createPipe(name));
  const sender = ok(calls.openPipe(name));
  ok(calls.pop(receiver, 0));
  const nothing = calls.check(1);
  fill(calls, 0, Uint8Array.of(1, 2, 3));
  ok(calls.push(sender, 1, 0));
  ok(calls.free(0));
  const found: number[] = [];
  // The order is upstream's: by place.
  for (let polls = 0; found.length < 2 && polls < 1000; polls++) {
    const token = calls.check(2 - found.length);
    if (token < 0) {
      calls.poll();
      continue;
    }
    found.push(calls.results[calls.layout.result.opcode / 4]!);
    if (calls.results[0] === OPCODE.POP) {
      calls.take(0);
      ok(calls.free(0));
    }
    calls.moveToken(2 - found.length, token);
  }
  const used = calls.check(1);
  ok(calls.close(sender));
  ok(calls.close(receiver));
  return { nothing, found: found.sort(), used };
}

/** An echo over catnap, to a client in the same process that is Deno's own. */
async function echo(path: string, configuration: string): Promise<unknown> {
  const calls = open(path, "catnap", configuration);
  const listener = ok(calls.socket(SOCK_STREAM));
  // Upstream does not tell which port the kernel chose, so one that was free a moment ago has to do.
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  ok(calls.bind(listener, encodeSockaddr({ address: LOOPBACK, port, scope: 0 })));
  ok(calls.listen(listener, 16));
  ok(calls.accept(listener, 0));
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const opcodes = [complete(calls)];
  const qd = calls.results[calls.layout.result.acceptedQd / 4]!;
  ok(calls.getpeername(qd));
  const peer =
    new DataView(calls.address.buffer).getUint16(2) === (conn.localAddr as Deno.NetAddr).port;

  await conn.write(new TextEncoder().encode("hello"));
  ok(calls.pop(qd, 0));
  opcodes.push(complete(calls));
  calls.take(7);
  const popped = read(calls, 7);
  ok(calls.push(qd, 0, 7));
  // While the push is under way.
  ok(calls.free(7));
  opcodes.push(complete(calls));
  const buffer = new Uint8Array(16);
  const length = await conn.read(buffer);
  const echoed = new TextDecoder().decode(buffer.subarray(0, length!));

  await conn.closeWrite();
  ok(calls.pop(qd, 0));
  opcodes.push(complete(calls));
  calls.take(7);
  const end = [calls.segments(7), calls.length(7), calls.free(7)];
  return { opcodes, peer, popped, echoed, end, closed: [calls.close(qd), calls.close(qd)] };
}

/** A message through a pipe of catmem, end to end on one thread. */
function pipe(path: string, configuration: string): unknown {
  const calls = open(path, "catmem", configuration);
  const name = `demikernel-deno-test-${Deno.pid}`;
  const missing = calls.openPipe(name);
  const receiver = ok(calls.createPipe(name));
  const sender = ok(calls.openPipe(name));
  fill(calls, 0, new TextEncoder().encode("over shared memory"));
  ok(calls.push(sender, 0, 0));
  ok(calls.free(0));
  const pushed = complete(calls) === OPCODE.PUSH;
  ok(calls.pop(receiver, 0));
  const popped = complete(calls) === OPCODE.POP;
  calls.take(1);
  const text = read(calls, 1);
  ok(calls.free(1));
  return { missing, pushed, popped, text, closed: [calls.close(sender), calls.close(receiver)] };
}

/** Errnos of what a caller may get wrong without ending the process. */
function errnos(path: string, configuration: string): unknown {
  const library = load("catnap", path);
  const layout = start(library, "catnap", configuration);
  const calls = new Calls(library, layout);
  let again: unknown;
  try {
    start(library, "catnap", configuration);
  } catch (error) {
    again = (error as { errno: number }).errno;
  }
  const udp = ok(calls.socket(2));
  ok(calls.bind(udp, encodeSockaddr({ address: LOOPBACK, port: 0, scope: 0 })));
  ok(calls.pop(udp, 0));
  const pending = calls.waitAny(1);
  return {
    again,
    pending,
    none: calls.waitNextN(),
    pop: calls.pop(9999, 1),
    push: (calls.allocate(0, 8), calls.push(9999, 1, 0)),
    tooLong: calls.allocate(1, 65536),
    pipe: calls.createPipe("name"),
    linger: [calls.getLinger(udp), calls.setLinger(udp, 3), calls.getLinger(udp)],
  };
}

/** Whether the calls of the datapath are compiled into the code that calls them. */
function fastCalls(path: string, configuration: string): unknown {
  const calls = open(path, "catnap", configuration);
  const { getTurbocallTarget } = (Deno as unknown as Internals)[
    (Deno as unknown as { internal: symbol }).internal
  ]!;
  const operations: Record<string, () => unknown> = {
    demi_push: () => calls.push(0, 0, 0),
    demi_pushto: () => calls.pushTo(0, 0, 0),
    demi_pop: () => calls.pop(0, 0),
    demi_wait: () => calls.wait(0),
    demi_wait_any: () => calls.waitAny(1),
    demi_wait_next_n: () => calls.waitNextN(),
    demi_accept: () => calls.accept(0, 0),
    demi_sgafree: () => calls.free(0),
    sgaalloc_into: () => calls.allocate(0, 64),
    memcpy: () => calls.copyOut(0, 1, 0),
  };
  const targets: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(operations)) {
    // Long enough for the optimising compiler, which works beside.
    for (let i = 0; i < 3_000_000; i++) operation();
    targets[name] = getTurbocallTarget();
  }
  return targets;
}

/**
 * Two libOSes at once, each in a Worker, started at the same time; and again, when the thread that the library
 * was loaded on has ended.
 */
async function workers(path: string, configuration: string): Promise<unknown> {
  const start = async (libos: NativeLibOS) => {
    const worker = new Worker(WORKER, { type: "module" });
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
    });
    worker.postMessage({ libos, path, configuration });
    try {
      return await answer;
    } finally {
      worker.terminate();
    }
  };
  const first = await Promise.all([start("catnap"), start("catmem")]);
  const second = await Promise.all([start("catnap"), start("catmem")]);
  return { first, second };
}

type Internals = Record<symbol, { getTurbocallTarget(): unknown }>;

const ACTIONS = { probe, cut, echo, pipe, errnos, fastCalls, workers, allocateAnywhere, look };

/** What the child can do. */
export type Action = keyof typeof ACTIONS;

if (import.meta.main) {
  const [action, path, configuration] = Deno.args;
  console.log(JSON.stringify(await ACTIONS[action as Action](path!, configuration ?? "/dev/null")));
}
