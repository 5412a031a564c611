/**
 * The memory of a libOS in any history: no two buffers overlap, none is lost.
 *
 * @module
 */

import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { MemoryLibOS } from "../_memory_libos.ts";
import type { LibOS, Sga } from "../../../libos/pdpix.ts";

const size = fc.oneof(
  fc.nat(300),
  fc.nat(5000),
  fc.constantFrom(0, 64, 65, 65536, 65537, 1 << 20, (1 << 20) + 1),
);
const step = fc.oneof(
  {
    arbitrary: fc.record({
      call: fc.constant("alloc" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 3 }),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      call: fc.constantFrom("free", "clone", "push", "pop", "poppedBeforePush"),
      pick: fc.nat(),
    }),
    weight: 5,
  },
);

/** A buffer by what is in it: each alloc has a mark of its own, that clones and pops keep. */
interface Held {
  readonly sga: Sga;
  readonly mark: number;
}

function take(libos: LibOS, qd: number): Sga | null {
  const completion = libos.wait(libos.pop(qd), 0);
  if (completion.opcode !== "pop") throw new Error(`a ${completion.opcode} came of a pop`);
  return completion.sga;
}

function checkMarks(held: readonly Held[]): void {
  for (const { sga, mark } of held) {
    for (let i = 0; i < sga.numsegs; i++) {
      const bytes = sga.bytes(i);
      if (bytes.length === 0) continue;
      assertEquals([bytes[0], bytes.at(-1)], [mark, mark]);
    }
  }
}

/** Fails if two segments that were allocated apart lie over each other. */
function checkOverlap(held: readonly Held[]): void {
  const seen = new Map<
    ArrayBuffer,
    { from: number; to: number; mark: number; segment: number }[]
  >();
  for (const { sga, mark } of held) {
    for (let segment = 0; segment < sga.numsegs; segment++) {
      const { buffer, byteOffset: from, byteLength } = sga.bytes(segment);
      const to = from + byteLength;
      const others = seen.get(buffer) ?? [];
      for (const other of others) {
        const same = other.mark === mark && other.segment === segment;
        const apart = to <= other.from || other.to <= from;
        assertEquals(same || apart, true, `${from}-${to} and ${other.from}-${other.to} overlap`);
      }
      others.push({ from, to, mark, segment });
      seen.set(buffer, others);
    }
  }
}

for (const debug of [false, true]) {
  Deno.test(`BufferHeap gives no memory out twice and loses none, in any history (debug: ${debug})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const libos = new MemoryLibOS({ debug });
        const qd = libos.queue();
        const held: Held[] = [];
        const queued: number[] = [];
        let marks = 0;
        for (const step of steps) {
          if (step.call === "alloc") {
            const mark = ++marks & 0xff;
            const sga = libos.alloc(step.sizes);
            for (let i = 0; i < sga.numsegs; i++) sga.bytes(i).fill(mark);
            held.push({ sga, mark });
          } else if (step.call === "pop") {
            if (queued.length === 0) continue;
            held.push({ sga: take(libos, qd)!, mark: queued.shift()! });
          } else {
            const at = step.pick % held.length;
            const one = held[at];
            if (one === undefined) continue;
            if (step.call === "clone") {
              held.push({ sga: one.sga.clone(), mark: one.mark });
              continue;
            }
            held.splice(at, 1);
            if (step.call === "free") {
              libos.free(one.sga);
            } else if (step.call === "push" || queued.length > 0) {
              libos.wait(libos.push(qd, one.sga), 0);
              queued.push(one.mark);
            } else {
              const pop = libos.pop(qd);
              libos.wait(libos.push(qd, one.sga), 0);
              const completion = libos.wait(pop, 0);
              if (completion.opcode !== "pop") throw new Error("no pop");
              held.push({ sga: completion.sga!, mark: one.mark });
            }
          }
          checkMarks(held);
          checkOverlap(held);
        }
        for (const { sga } of held) sga.free();
        for (const mark of queued) {
          const sga = take(libos, qd)!;
          checkMarks([{ sga, mark }]);
          sga.free();
        }
        const { buffers, bufferBytes, tokens, pending } = libos.statistics();
        assertEquals({ buffers, bufferBytes, tokens, pending }, {
          buffers: 0,
          bufferBytes: 0,
          tokens: 0,
          pending: 0,
        });
        const report = await libos.exit();
        assertStrictEquals(report.leakedBuffers, 0);
      }),
      { numRuns: 60 },
    );
  });
}
