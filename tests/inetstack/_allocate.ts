/**
 * Sends streams both ways between two hosts on a wire of memory, of which each so manieth frame is lost; prints how many
 * bytes were allocated for each segment, once everything was compiled.
 *
 * @module
 */

import { Wire } from "../../bench/_segment_wire.ts";

const wire = new Wire();
const [[one, other]] = wire.connect(1) as [[never, never]];
const { a, b } = wire;

function send(rounds: number): void {
  for (let i = 0; i < rounds; i++) {
    wire.send(a, one, b, other, 64);
    wire.send(b, other, a, one, 30_000);
  }
}

function segments(): number {
  return a.device.counters.sent + b.device.counters.sent;
}

a.device.loss = b.device.loss = Number(Deno.args[0]);
send(3000);
const { gc } = globalThis as unknown as { gc(): void };
gc();
const before = [Deno.memoryUsage().heapUsed, segments()] as const;
send(2000);
console.log((Deno.memoryUsage().heapUsed - before[0]) / (segments() - before[1]));
