/**
 * Memory: allocating, who owns a buffer when, and what is left behind.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { code, codes, ending, endings, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { channel, message, textOf } from "../world.ts";
import { open } from "../../../libos/open.ts";
import type { LibOS, Sga } from "../../../libos/pdpix.ts";

/** Everything that can be done with an sga that one has. */
const USES: readonly ((sga: Sga) => unknown)[] = [
  (sga) => sga.length,
  (sga) => sga.numsegs,
  (sga) => sga.address,
  (sga) => sga.truncated,
  (sga) => sga.bytes(),
  (sga) => sga.toUint8Array(),
  (sga) => sga.trim(0, 1),
  (sga) => sga.clone(),
];

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
    id: "free/twice",
    needs: [],
    rule: "A buffer is freed once, however it is done; disposing of it again is harmless.",
    pdpix: "ok EINVAL EINVAL ok 0",
    compat: "undefined",
    run({ libos }) {
      const sga = libos.alloc(64);
      return list([
        code(() => sga.free()),
        code(() => sga.free()),
        code(() => libos.free(sga)),
        code(() => sga[Symbol.dispose]()),
        String(libos.statistics().buffers),
      ]);
    },
  },
  {
    id: "free/use-after",
    needs: [],
    rule: "Every use of a freed buffer throws, though others were allocated since.",
    pdpix: "EINVAL",
    compat: "undefined",
    run({ libos }) {
      const sga = libos.alloc(64);
      sga.free();
      using _other = libos.alloc(64);
      return codes(USES, (use) => use(sga));
    },
  },
  {
    id: "free/foreign",
    needs: ["channel"],
    rule: "A buffer of another libOS is refused, and stays with the caller.",
    pdpix: "EINVAL EINVAL ok",
    async run(world) {
      const { from } = channel(world);
      await using other = open({ libos: "catnap" });
      const sga = message(other, "foreign");
      return list([
        code(() => from.libos.push(from.qd, sga)),
        code(() => from.libos.free(sga)),
        code(() => other.free(sga)),
      ]);
    },
  },
  {
    id: "push/use-after",
    needs: ["channel"],
    rule: "Every use of a pushed buffer throws, while it is sent and after.",
    pdpix: "EINVAL EINVAL",
    compat: "it can be written to, and what is sent then is not known",
    run(world) {
      const { from } = channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      const during = codes(USES, (use) => use(sga));
      assertEquals(ending(from.libos, push), "push");
      return list([during, codes(USES, (use) => use(sga))]);
    },
  },
  {
    id: "push/free-after",
    needs: ["channel"],
    rule: "Freeing a pushed buffer is harmless: what is sent is whole.",
    pdpix: "ok push data",
    run(world) {
      const { from, to } = channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      return list([code(() => sga.free()), ending(from.libos, push), to.receive()]);
    },
  },
  {
    id: "push/free-pending",
    needs: ["channel"],
    rule: "So it is while the push waits for room.",
    pdpix: "ok push waits",
    run(world) {
      const { from, to } = channel(world);
      const { blocked, gone } = from.fill(1 << 16, 1 << 27);
      if (blocked === null) return "never pending";
      const sga = message(from.libos, "waits");
      const push = from.libos.push(from.qd, sga);
      const answer = code(() => sga.free());
      using _other = message(from.libos, "OTHER");
      to.drain((gone + 1) * (1 << 16));
      const text = new TextDecoder().decode(to.drain(5));
      assertEquals(ending(from.libos, blocked), "push");
      return list([answer, ending(from.libos, push), text]);
    },
  },
  {
    id: "push/twice",
    needs: ["channel"],
    rule: "A buffer is pushed once.",
    pdpix: "push EINVAL",
    compat: "it may be pushed again",
    run(world) {
      const { from } = channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      const again = code(() => from.libos.push(from.qd, sga));
      return list([ending(from.libos, push), again]);
    },
  },
  {
    id: "push/gives-back",
    needs: ["channel"],
    rule: "The memory of a push goes back when it is over, without anybody freeing it.",
    pdpix: "0",
    run(world) {
      const { from, to } = channel(world);
      const before = from.libos.statistics().buffers;
      for (let i = 0; i < 100; i++) {
        from.send(1000);
        to.drain(1000);
      }
      return String(from.libos.statistics().buffers - before);
    },
  },
  {
    id: "pop/owns",
    needs: ["channel"],
    rule: "What is popped is the caller's: to read, to write, to push again, and to free.",
    pdpix: "data DATA",
    run(world) {
      const { from, to } = channel(world);
      const back = channel(world);
      from.send("data");
      const completion = to.libos.wait(to.pop(), 2000);
      assert(completion.opcode === "pop" && completion.sga !== null);
      const { sga } = completion;
      const text = new TextDecoder().decode(sga.toUint8Array());
      sga.bytes().set(new TextEncoder().encode("DATA"));
      if (back.from.libos === to.libos) {
        assertEquals(ending(to.libos, to.libos.push(back.from.qd, sga)), "push");
        return list([text, back.to.receive()]);
      }
      return list([text, textOf(sga)]);
    },
  },
  {
    id: "pop/apart",
    needs: ["channel"],
    rule: "What two pops gave does not share memory, nor with what was pushed.",
    pdpix: "one two",
    run(world) {
      const { from, to } = channel(world);
      const popped = ["one", "two"].map((text) => {
        from.send(text);
        const completion = to.libos.wait(to.pop(), 2000);
        assert(completion.opcode === "pop" && completion.sga !== null);
        return completion.sga;
      });
      using fresh = from.libos.alloc(64);
      fresh.bytes().fill(0x58);
      return list(popped.map(textOf));
    },
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
    id: "sga/clone",
    needs: ["channel"],
    rule: "One message goes to many; its memory is free once all of them are.",
    pdpix: "all all 0",
    compat: "there is no clone",
    run(world) {
      const two = [channel(world), channel(world)];
      const before = world.libos.statistics().buffers;
      const sga = message(world.libos, "all");
      const pushes = two.map(({ from }) => from.libos.push(from.qd, sga.clone()));
      sga.free();
      const texts = two.map(({ to }) => to.receive());
      assertEquals(endings(world.libos, pushes), "push push");
      return list([...texts, String(world.libos.statistics().buffers - before)]);
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
