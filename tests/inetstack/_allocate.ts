/**
 * Sends streams both ways between two hosts on a wire of memory, of which each so manieth frame is lost; prints how many
 * bytes were allocated for each segment, once everything was compiled.
 *
 * @module
 */

import { Wire, type WireHost } from "../../bench/_segment_wire.ts";
import type { Connection } from "../../libos/inetstack/tcp/connection.ts";

const wire = new Wire();
const [one, other] = wire.connect(1)[0]!;
const { a, b } = wire;

/** Sends so many bytes from one end to the other, and takes them there. */
function send(from: WireHost, end: Connection, to: WireHost, peer: Connection, size: number): void {
  const sga = from.heap.alloc(size);
  sga.move();
  from.stack.tcp.push(end, sga);
  sga.recycle();
  let taken = 0;
  wire.now++;
  for (;;) {
    to.stack.poll(wire.now);
    for (let got = to.stack.tcp.take(peer, 0); got !== null; got = to.stack.tcp.take(peer, 0)) {
      taken += got.length;
      got.recycle();
    }
    if (taken === size) return;
    wire.now++;
    from.stack.poll(wire.now);
  }
}

function sendBoth(rounds: number): void {
  for (let i = 0; i < rounds; i++) {
    send(a, one, b, other, 64);
    send(b, other, a, one, 30_000);
  }
}

function segments(): number {
  return a.device.counters.sent + b.device.counters.sent;
}

a.device.loss = b.device.loss = Number(Deno.args[0]);
sendBoth(3000);
const { gc } = globalThis as unknown as { gc(): void };
gc();
const before = [Deno.memoryUsage().heapUsed, segments()] as const;
sendBoth(2000);
console.log((Deno.memoryUsage().heapUsed - before[0]) / (segments() - before[1]));
