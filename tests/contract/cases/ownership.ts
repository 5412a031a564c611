/**
 * Who owns a buffer when it is pushed, popped and freed.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { code, codes, ending, endings, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { message, textOf } from "../end.ts";
import { wait } from "../waits.ts";
import { channel } from "../world.ts";
import { open } from "../../../libos/open.ts";
import type { Sga } from "../../../libos/pdpix.ts";

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

/** See the module's description. */
export const OWNERSHIP: readonly Case[] = [
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
      const { from } = await channel(world);
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
    async run(world) {
      const { from } = await channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      const during = codes(USES, (use) => use(sga));
      assertEquals(await ending(from.libos, push), "push");
      return list([during, codes(USES, (use) => use(sga))]);
    },
  },
  {
    id: "push/free-after",
    needs: ["channel"],
    rule: "Freeing a pushed buffer is harmless: what is sent is whole.",
    pdpix: "ok push data",
    async run(world) {
      const { from, to } = await channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      return list([code(() => sga.free()), await ending(from.libos, push), await to.receive()]);
    },
  },
  {
    id: "push/free-pending",
    needs: ["channel"],
    rule: "So it is while the push waits for room.",
    pdpix: "ok push waits",
    async run(world) {
      const { from, to } = await channel(world);
      const { blocked, gone } = await from.fill(1 << 16, 1 << 27);
      if (blocked === null) return "never pending";
      const sga = message(from.libos, "waits");
      const push = from.libos.push(from.qd, sga);
      const answer = code(() => sga.free());
      using _other = message(from.libos, "OTHER");
      await to.drain((gone + 1) * (1 << 16));
      const text = new TextDecoder().decode(await to.drain(5));
      assertEquals(await ending(from.libos, blocked), "push");
      return list([answer, await ending(from.libos, push), text]);
    },
  },
  {
    id: "push/twice",
    needs: ["channel"],
    rule: "A buffer is pushed once.",
    pdpix: "push EINVAL",
    compat: "it may be pushed again",
    async run(world) {
      const { from } = await channel(world);
      const sga = message(from.libos, "data");
      const push = from.libos.push(from.qd, sga);
      const again = code(() => from.libos.push(from.qd, sga));
      return list([await ending(from.libos, push), again]);
    },
  },
  {
    id: "push/gives-back",
    needs: ["channel"],
    rule: "The memory of a push goes back when it is over, without anybody freeing it.",
    pdpix: "0",
    async run(world) {
      const { from, to } = await channel(world);
      const before = from.libos.statistics().buffers;
      for (let i = 0; i < 100; i++) {
        await from.send(1000);
        await to.drain(1000);
      }
      return String(from.libos.statistics().buffers - before);
    },
  },
  {
    id: "pop/owns",
    needs: ["channel"],
    rule: "What is popped is the caller's: to read, to write, to push again, and to free.",
    pdpix: "data DATA",
    async run(world) {
      const { from, to } = await channel(world);
      const back = await channel(world);
      await from.send("data");
      const completion = await wait(to.libos, to.pop(), 2000);
      assert(completion.opcode === "pop" && completion.sga !== null);
      const { sga } = completion;
      const text = new TextDecoder().decode(sga.toUint8Array());
      sga.bytes().set(new TextEncoder().encode("DATA"));
      if (back.from.libos === to.libos) {
        assertEquals(await ending(to.libos, to.libos.push(back.from.qd, sga)), "push");
        return list([text, await back.to.receive()]);
      }
      return list([text, textOf(sga)]);
    },
  },
  {
    id: "pop/apart",
    needs: ["channel"],
    rule: "What two pops gave does not share memory, nor with what was pushed.",
    pdpix: "one two",
    async run(world) {
      const { from, to } = await channel(world);
      const popped = await Array.fromAsync(["one", "two"], async (text) => {
        await from.send(text);
        const completion = await wait(to.libos, to.pop(), 2000);
        assert(completion.opcode === "pop" && completion.sga !== null);
        return completion.sga;
      });
      using fresh = from.libos.alloc(64);
      fresh.bytes().fill(0x58);
      return list(popped.map(textOf));
    },
  },
  {
    id: "sga/clone",
    needs: ["channel"],
    rule: "One message goes to many; its memory is free once all of them are.",
    pdpix: "all all 0",
    compat: "there is no clone",
    async run(world) {
      const two = [await channel(world), await channel(world)];
      const before = world.libos.statistics().buffers;
      const sga = message(world.libos, "all");
      const pushes = two.map(({ from }) => from.libos.push(from.qd, sga.clone()));
      sga.free();
      const texts = await Array.fromAsync(two, ({ to }) => to.receive());
      assertEquals(await endings(world.libos, pushes), "push push");
      return list([...texts, String(world.libos.statistics().buffers - before)]);
    },
  },
];
