/**
 * Our own cost of a segment without a device: one comes in order, what it acknowledges is let go of, and an answer is sent. The
 * stack, with its heap and its buffers, beside the least that such work costs in TypeScript.
 *
 * @module
 */
import { sketch } from "./_segment_sketch.ts";
import { Wire } from "./_segment_wire.ts";

/** Segments in one iteration. */
const BATCH = 1000;

/** Gives what bounces a message of so many bytes between two hosts, on each of so many connections in turn. */
function stack(size: number, connections: number): () => void {
  const wire = new Wire();
  const { a, b } = wire;
  const ends = wire.connect(connections).map(([one, other]) => ({
    one,
    other,
    sga: a.heap.alloc(size),
  }));
  let next = 0;
  return () => {
    const end = ends[next]!;
    next = next + 1 === connections ? 0 : next + 1;
    const there = wire.bounce(a, end.one, b, end.other, end.sga);
    end.sga.recycle();
    end.sga = wire.bounce(b, end.other, a, end.one, there);
    there.recycle();
  };
}

for (const [size, connections] of [[64, 1], [1448, 1], [64, 10_000]] as const) {
  const group = `segments of ${size} B, ${connections} connections: 1 µs is 1 ns for each`;
  const least = sketch(size, connections);
  const ours = stack(size, connections);
  Deno.bench(`${size} B, ${connections} connections: the sketch`, { group, baseline: true }, () => {
    for (let i = 0; i < BATCH; i++) least();
  });
  Deno.bench(`${size} B, ${connections} connections: the stack`, { group }, () => {
    for (let i = 0; i < BATCH; i += 2) ours();
  });
}
