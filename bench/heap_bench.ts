/**
 * Our own cost of buffers, beside what V8 takes for a `Uint8Array`.
 *
 * @module
 */
import { BufferHeap } from "../libos/runtime/memory/heap.ts";

/** Buffers in one iteration. */
const BATCH = 1_000;

const heap = new BufferHeap();
/** Where a buffer escapes to, so that V8 makes it. */
const kept: { bytes: Uint8Array | null } = { bytes: null };

const group = "buffer heap: 1 µs is 1 ns per buffer";

Deno.bench("1 000 × new Uint8Array(64)", { group, baseline: true }, () => {
  for (let i = 0; i < BATCH; i++) kept.bytes = new Uint8Array(64);
});

for (const [name, size] of [["64 B", 64], ["4 KiB", 4_096], ["1 MiB", 1 << 20]] as const) {
  Deno.bench(`1 000 × ${name}: alloc, recycle`, { group }, () => {
    for (let i = 0; i < BATCH; i++) heap.alloc(size).recycle();
  });
}

Deno.bench("1 000 × 64 B: alloc, free", { group }, () => {
  for (let i = 0; i < BATCH; i++) heap.alloc(64).free();
});

Deno.bench("1 000 × 64 B: alloc, write, recycle", { group }, () => {
  for (let i = 0; i < BATCH; i++) {
    const sga = heap.alloc(64);
    sga.bytes()[0] = i;
    sga.recycle();
  }
});

Deno.bench("1 000 × 64 B: clone, recycle", { group }, () => {
  const sga = heap.alloc(64);
  for (let i = 0; i < BATCH; i++) sga.clone().recycle();
  sga.recycle();
});

Deno.bench("1 000 × two segments of 64 B: alloc, recycle", { group }, () => {
  for (let i = 0; i < BATCH; i++) heap.alloc([64, 64]).recycle();
});
