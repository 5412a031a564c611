/**
 * Memory: allocating, who owns a buffer when, and what is left behind.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { code, codes, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { message, textOf } from "../end.ts";
import type { LibOS, Sga } from "../../../libos/pdpix.ts";

/** Small and big, as upstream has them. */
const SMALL = 64;
const BIG = 1280;

function single(libos: LibOS, size: number): string {
  const sga = libos.alloc(size);
  const answer = `${sga.numsegs} ${sga.length} ${sga.bytes().length}`;
  libos.free(sga);
  return list([answer, String(libos.statistics().buffers)]);
}

function tightLoop(libos: LibOS, size: number): string {
  for (let i = 0; i < 100_000; i++) libos.alloc(size).free();
  return String(libos.statistics().buffers);
}

/** Holds a thousand buffers at a time, each with a mark of its own. */
function decoupledLoop(libos: LibOS, size: number): string {
  for (let round = 0; round < 10; round++) {
    const held = Array.from({ length: 1000 }, (_, i) => {
      const sga = libos.alloc(size);
      new DataView(sga.bytes().buffer, sga.bytes().byteOffset).setUint32(size - 4, i);
      return sga;
    });
    for (const [i, sga] of held.entries()) {
      const { buffer, byteOffset } = sga.bytes();
      assertEquals(new DataView(buffer, byteOffset).getUint32(size - 4), i);
      sga.free();
    }
  }
  return String(libos.statistics().buffers);
}

/** See the module's description. */
export const MEMORY: readonly Case[] = [
  {
    id: "alloc/small",
    upstream: ["sga.rs/single_small"],
    needs: [],
    rule: "A small buffer has one segment of its size, and goes back.",
    pdpix: "1 64 64 0",
    run: ({ libos }) => single(libos, SMALL),
  },
  {
    id: "alloc/big",
    upstream: ["sga.rs/single_big"],
    needs: [],
    rule: "A big buffer has one segment of its size, and goes back.",
    pdpix: "1 1280 1280 0",
    run: ({ libos }) => single(libos, BIG),
  },
  {
    id: "alloc/loop-small",
    upstream: ["sga.rs/loop_tight_small"],
    needs: [],
    rule: "Small buffers can be had and freed for ever.",
    pdpix: "0",
    run: ({ libos }) => tightLoop(libos, SMALL),
  },
  {
    id: "alloc/loop-big",
    upstream: ["sga.rs/loop_tight_big"],
    needs: [],
    rule: "Big buffers can be had and freed for ever.",
    pdpix: "0",
    run: ({ libos }) => tightLoop(libos, BIG),
  },
  {
    id: "alloc/many-small",
    upstream: ["sga.rs/loop_decoupled_small"],
    needs: [],
    rule: "A thousand small buffers are held at once, and none lies over another.",
    pdpix: "0",
    run: ({ libos }) => decoupledLoop(libos, SMALL),
  },
  {
    id: "alloc/many-big",
    upstream: ["sga.rs/loop_decoupled_big"],
    needs: [],
    rule: "A thousand big buffers are held at once, and none lies over another.",
    pdpix: "0",
    run: ({ libos }) => decoupledLoop(libos, BIG),
  },
  {
    id: "alloc/sizes",
    needs: [],
    rule: "Every size can be had: none, one byte, 64 KiB and more, a segment for each of a list.",
    pdpix: "0 1 65535 65536 3000000 1,2,0,70000",
    compat: "1 to 65535, and one segment",
    run({ libos }) {
      return list([0, 1, 65535, 65536, 3_000_000, [1, 2, 0, 70_000]].map((size) => {
        using sga = libos.alloc(size);
        const lengths = Array.from({ length: sga.numsegs }, (_, i) => sga.bytes(i).length);
        assertEquals(sga.length, lengths.reduce((sum, length) => sum + length));
        for (let i = 0; i < sga.numsegs; i++) sga.bytes(i).fill(i + 1);
        assertEquals(sga.bytes(0).every((byte) => byte === 1), true);
        return lengths.join();
      }));
    },
  },
  {
    id: "alloc/no-size",
    upstream: ["syscalls.c/sgaalloc"],
    needs: [],
    rule: "What is no size is refused, and takes nothing.",
    pdpix: "EINVAL 0",
    compat: "an sga of zeros",
    run({ libos }) {
      const wrong = [-1, 1.5, NaN, Infinity, [], [64, -1], [64, 1.5]];
      const answer = codes(wrong as number[], (size) => libos.alloc(size));
      return list([answer, String(libos.statistics().buffers)]);
    },
  },
  {
    id: "alloc/too-large",
    needs: [],
    rule: "More than there is memory for is refused, and takes nothing.",
    pdpix: "ENOMEM ENOMEM 0",
    run: ({ libos }) =>
      list([
        code(() => libos.alloc(2 ** 50)),
        code(() => libos.alloc([64, 2 ** 50])),
        String(libos.statistics().buffers),
      ]),
  },
  {
    id: "free/no-sga",
    upstream: ["syscalls.c/sgafree"],
    needs: [],
    rule: "What is no sga is refused.",
    pdpix: "EINVAL",
    run: ({ libos }) =>
      codes(
        [null, undefined, 5, "sga", {}, new Uint8Array(4)] as unknown as Sga[],
        (sga) => libos.free(sga),
      ),
  },
  {
    id: "sga/segments",
    needs: [],
    rule: "A segment that it has not is refused.",
    pdpix: "EINVAL",
    run({ libos }) {
      using sga = libos.alloc([1, 2]);
      return codes([2, -1, 1.5, NaN], (segment) => sga.bytes(segment));
    },
  },
  {
    id: "sga/copy",
    needs: [],
    rule: "A copy of its bytes outlives it, and is written apart.",
    pdpix: "abc abc",
    run({ libos }) {
      const sga = message(libos, "abc");
      const copy = sga.toUint8Array();
      sga.bytes().fill(0x58);
      const first = new TextDecoder().decode(copy);
      sga.free();
      assertNotEquals(copy.byteLength, 0);
      return list([first, new TextDecoder().decode(copy)]);
    },
  },
  {
    id: "sga/trim",
    needs: [],
    rule: "It keeps a part of the first segment; what is not within, or empty, is refused.",
    pdpix: "EINVAL cd EINVAL",
    run({ libos }) {
      const sga = message(libos, "abcdef");
      const wrong = [[-1, 2], [0, 7], [6, 1], [0, 0], [1.5, 1], [0, NaN], [2, 5]] as const;
      const before = codes(wrong, ([start, length]) => sga.trim(start, length));
      sga.trim(1, 4);
      sga.trim(1, 2);
      const after = code(() => sga.trim(0, 3));
      return list([before, textOf(sga), after]);
    },
  },
  {
    id: "sga/clone-apart",
    needs: [],
    rule: "A clone lives on when the first is freed, and is trimmed apart.",
    pdpix: "bc 1 0",
    run({ libos }) {
      const sga = message(libos, "abc");
      const clone = sga.clone();
      clone.trim(1, 2);
      assertEquals(sga.length, 3);
      sga.free();
      const held = libos.statistics().buffers;
      return list([textOf(clone), String(held), String(libos.statistics().buffers)]);
    },
  },
  {
    id: "sga/extend",
    needs: [],
    rule: "One takes the segments of another, which is as pushed then: free, and used no more.",
    pdpix: "EINVAL 3 abcde 0",
    compat: "there is no extend",
    run({ libos }) {
      const [sga, other] = [message(libos, "ab"), libos.alloc([2, 1])];
      other.bytes().set([0x63, 0x64]);
      other.bytes(1).set([0x65]);
      sga.extend(other);
      const refused = codes([other, sga, {} as Sga], (one) => sga.extend(one));
      other.free();
      return list([refused, String(sga.numsegs), textOf(sga), String(libos.statistics().buffers)]);
    },
  },
  {
    id: "sga/zero",
    needs: [],
    rule: "A buffer of no bytes is one all the same.",
    pdpix: "1 0 1 0",
    compat: "an sga of zeros",
    run({ libos }) {
      const sga = libos.alloc(0);
      const answers = [sga.numsegs, sga.length, libos.statistics().buffers];
      sga.free();
      return list([...answers, libos.statistics().buffers].map(String));
    },
  },
];
