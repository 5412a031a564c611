/**
 * The calls of a library that completes what it is told to, for what the real one does too seldom or too late.
 *
 * @module
 */

import type { Calls } from "../../ffi/demikernel/calls.ts";
import { LAYOUTS, OPCODE } from "../../ffi/demikernel/layout.ts";
import { Device } from "../../libos/demikernel/device.ts";
import type { NativeContext } from "../../libos/demikernel/native_queue.ts";
import { Errno } from "../../libos/error.ts";
import { BufferHeap } from "../../libos/runtime/memory/heap.ts";
import { OperationPool } from "../../libos/runtime/operation/pool.ts";
import { Scheduler } from "../../libos/runtime/scheduler/scheduler.ts";
import { TokenTable } from "../../libos/runtime/operation/tokens.ts";

/** An operation under way. */
export interface Begun {
  /** What it is. */
  readonly call: "pop" | "push" | "accept" | "connect" | "pushTo";
  /** On which descriptor. */
  readonly qd: number;
  /** Its token. */
  readonly token: bigint;
  /** Bytes that are pushed. */
  readonly length: number;
}

/** What an operation comes to. */
interface Result {
  readonly token: bigint;
  readonly opcode: number;
  readonly errno: number;
  readonly length: number;
  readonly accepted: number;
}

const WORDS = LAYOUTS[0]!.result;

/** See the module's description; it has what a {@linkcode Device} and its queues use. */
export class FakeCalls {
  readonly layout = LAYOUTS[0]!;
  readonly tokens = new BigUint64Array(64);
  readonly results = new Int32Array(WORDS.size / 4);
  readonly address = new Uint8Array(16);
  /** What is under way, the oldest first. */
  readonly begun: Begun[] = [];
  /** Descriptors that were closed. */
  readonly closed: number[] = [];
  /** Sgas that are held. */
  held = 0;
  /** What the calls that begin something answer: 0, or a negative errno. */
  answer = 0;
  /** Whether there is memory. */
  memory = true;
  readonly #lengths = [0, 0];
  readonly #over: Result[] = [];
  #next = 2n;

  /** Completes the oldest operation under way: with an errno, or with so many bytes or such a connection. */
  complete({ errno = 0, length = 0, accepted = 0 } = {}): void {
    const { call, token } = this.begun.shift()!;
    const opcode = call === "pop"
      ? OPCODE.POP
      : call === "accept"
      ? OPCODE.ACCEPT
      : call === "connect"
      ? OPCODE.CONNECT
      : OPCODE.PUSH;
    this.#over.push({ token, opcode: errno ? OPCODE.FAILED : opcode, errno, length, accepted });
  }

  /** Completes an operation that nobody here began. */
  completeStranger(): void {
    this.#over.push({ token: 1n, opcode: OPCODE.PUSH, errno: 0, length: 0, accepted: 0 });
  }

  pop(qd: number, place: number): number {
    return this.#begin("pop", qd, place);
  }

  push(qd: number, place: number, sga: number): number {
    return this.#begin("push", qd, place, this.#lengths[sga]);
  }

  pushTo(qd: number, place: number, sga: number): number {
    return this.#begin("pushTo", qd, place, this.#lengths[sga]);
  }

  accept(qd: number, place: number): number {
    return this.#begin("accept", qd, place);
  }

  connect(qd: number, place: number): number {
    return this.#begin("connect", qd, place);
  }

  bind(): number {
    return 0;
  }

  listen(): number {
    return 0;
  }

  close(qd: number): number {
    this.closed.push(qd);
    return 0;
  }

  poll(): void {}

  moveToken(from: number, to: number): void {
    this.tokens[to] = this.tokens[from]!;
  }

  waitAny(count: number): number {
    for (let place = 0; place < count; place++) {
      const at = this.#over.findIndex(({ token }) => token === this.tokens[place]);
      if (at < 0) continue;
      this.#write(this.#over.splice(at, 1)[0]!);
      return place;
    }
    return -Errno.ETIMEDOUT;
  }

  check(count: number): number {
    return this.waitAny(count);
  }

  waitNextN(): number {
    const result = this.#over.shift();
    if (result === undefined) return 0;
    this.#write(result);
    return 1;
  }

  allocate(sga: number, length: number): boolean {
    if (!this.memory) return false;
    this.#lengths[sga] = length;
    this.held++;
    return true;
  }

  cut(sga: number, length: number): void {
    this.#lengths[sga] = length;
  }

  take(sga: number): void {
    this.#lengths[sga] = this.results[WORDS.size / 4 - 1]!;
    this.held++;
  }

  free(): number {
    this.held--;
    return 0;
  }

  segments(): number {
    return 1;
  }

  length(sga: number): number {
    return this.#lengths[sga]!;
  }

  copyIn(): void {}

  copyOut(): void {}

  #begin(call: Begun["call"], qd: number, place: number, length = 0): number {
    if (this.answer < 0) return this.answer;
    const token = this.#next++;
    this.tokens[place] = token;
    this.begun.push({ call, qd, token, length });
    return 0;
  }

  #write({ token, opcode, errno, length, accepted }: Result): void {
    this.results.fill(0);
    this.results[WORDS.opcode / 4] = opcode;
    this.results[WORDS.qt / 4] = Number(token);
    this.results[WORDS.ret / 4] = errno;
    if (opcode === OPCODE.ACCEPT) this.results[WORDS.acceptedQd / 4] = accepted;
    // An address of IPv4, where an accepted connection and a datagram have it.
    const bytes = new Uint8Array(this.results.buffer);
    bytes[opcode === OPCODE.ACCEPT ? WORDS.acceptedAddress : WORDS.sga + this.layout.sga.address] =
      2;
    // A place that the struct has not: where take() looks.
    this.results[WORDS.size / 4 - 1] = length;
  }
}

/** Queues over fake calls. */
export function makeFake(): { calls: FakeCalls; device: Device; context: NativeContext } {
  const calls = new FakeCalls();
  const heap = new BufferHeap();
  const scheduler = new Scheduler();
  const device = new Device(calls as unknown as Calls, heap, Infinity);
  let qds = 0;
  const context: NativeContext = {
    device,
    heap,
    operations: new OperationPool(scheduler, new TokenTable(), false),
    register: (queue) => queue.qd = ++qds,
    close: () => {},
    closeNative: (qd) => calls.close(qd),
    connectLock: null,
    stopsAtEmpty: false,
    address: "127.0.0.1",
    largestPush: 8,
  };
  return { calls, device, context };
}
