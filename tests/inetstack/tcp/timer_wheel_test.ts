/**
 * The wheel of the connections' timers, against deadlines that are looked through one by one.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import { IpAddress } from "../../../libos/inetstack/ip_address.ts";
import type { Neighbour } from "../../../libos/inetstack/ethernet/neighbour.ts";
import { RangePool } from "../../../libos/inetstack/tcp/receive_buffer.ts";
import { BufferHeap } from "../../../libos/runtime/memory/heap.ts";
import { RENO } from "../../../libos/inetstack/tcp/congestion/reno.ts";
import { SeededRandom } from "../../../libos/inetstack/random.ts";
import { Time } from "../../../libos/inetstack/time.ts";
import { TimerHeap } from "../../../libos/runtime/scheduler/timers.ts";
import { TimerWheel } from "../../../libos/inetstack/tcp/timer_wheel.ts";

const ADDRESS = IpAddress.parse("10.0.0.1")!;
const NEIGHBOUR = {} as Neighbour;
const POOL = new RangePool(new BufferHeap());

function makeConnection(): Connection {
  return new Connection(ADDRESS, 1, ADDRESS, 2, NEIGHBOUR, 0, 0, 0, POOL, RENO);
}

/** A wheel whose connections are looked at when they are due, and not before: what is too early is set anew. */
class Checked {
  readonly time = new Time();
  readonly timers = new TimerHeap();
  readonly fired: Connection[] = [];
  readonly due = new Map<Connection, number>();
  readonly wheel: TimerWheel;

  constructor(start: number) {
    this.time.advance(start);
    this.wheel = new TimerWheel(this.time, this.timers, (one) => this.#look(one));
  }

  set(connection: Connection, delay: number): void {
    const at = (this.time.ms + delay) | 0;
    this.due.set(connection, at);
    this.wheel.set(connection, at);
  }

  unset(connection: Connection): void {
    this.due.delete(connection);
    this.wheel.unset(connection);
  }

  advance(now: number): void {
    this.time.advance(now);
    if (this.timers.deadline <= now) this.timers.fire(now);
  }

  #look(connection: Connection): void {
    const at = this.due.get(connection)!;
    if (((at - this.time.ms) | 0) > 0) return this.wheel.set(connection, at);
    this.due.delete(connection);
    this.fired.push(connection);
  }
}

// From a start on which milliseconds become negative after a while, as they do after 24 days.
for (const start of [0, 2 ** 31 - 100_000]) {
  Deno.test(`TimerWheel looks at each connection when it is due, from ${start} ms on`, () => {
    const random = new SeededRandom(start + 1);
    const checked = new Checked(start);
    const connections = Array.from({ length: 200 }, makeConnection);
    let now = start;
    for (let i = 0; i < 20_000; i++) {
      const one = connections[(random.next() >>> 0) % connections.length]!;
      const choice = (random.next() >>> 0) % 8;
      if (choice === 0) checked.unset(one);
      else checked.set(one, 1 + (random.next() >>> 0) % [40, 200, 300, 70_000][choice & 3]!);
      now += (random.next() >>> 0) % [3, 3, 30, 900][(random.next() >>> 0) % 4]!;
      checked.advance(now);
      for (const at of checked.due.values()) assert(((at - checked.time.ms) | 0) > 0);
      const first = Math.min(...[...checked.due.values()].map((at) => checked.time.at(at)));
      assert(checked.timers.deadline <= first, `${checked.timers.deadline} is after ${first}`);
    }
    assert(checked.fired.length > 1000, `${checked.fired.length}`);
  });
}

Deno.test("TimerWheel wakes a sleeper a few times at most for what is due in hours", () => {
  const checked = new Checked(12_345);
  const connection = makeConnection();
  checked.set(connection, 7_200_000);
  let wakes = 0;
  while (checked.due.size > 0) {
    checked.advance(checked.timers.deadline);
    wakes++;
  }
  assertEquals(checked.time.ms, 7_212_345);
  assert(wakes <= 3, `${wakes}`);
  assertEquals(checked.timers.deadline, Infinity);
});

Deno.test("TimerWheel does what is due after it was empty for longer than its numbers last", () => {
  const checked = new Checked(0);
  const connection = makeConnection();
  checked.set(connection, 40);
  checked.advance(40);
  checked.advance(2 ** 32 - 1000);
  checked.set(connection, 40);
  checked.advance(2 ** 32 - 960);
  assertEquals(checked.fired, [connection, connection]);
});
