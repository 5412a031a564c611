/**
 * In-memory queues, which every libOS has.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { codes, ending, endingNow, endings, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { End, message, refused } from "../end.ts";
import { wait } from "../waits.ts";
import { channel } from "../world.ts";

/** Upstream had it in the paper alone. */
const NONE = "there is no queue()";

/** See the module's description. */
export const QUEUE: readonly Case[] = [
  {
    id: "queue/no-sockets-call",
    needs: ["queue"],
    rule: "It has no address and no peer: the calls of sockets are refused.",
    pdpix: "ENOTSUP",
    compat: NONE,
    run({ libos }) {
      const qd = libos.queue();
      const address = { hostname: "127.0.0.1", port: 80 };
      return codes(
        [
          () => libos.bind(qd, address),
          () => libos.listen(qd),
          () => libos.accept(qd),
          () => libos.connect(qd, address),
          () => libos.shutdown(qd, "write"),
          () => libos.getsockname(qd),
          () => libos.getpeername(qd),
        ],
        (call) => call(),
      );
    },
  },
  {
    id: "queue/push-to",
    needs: ["queue"],
    rule: "There is nowhere else to push to, and the buffer stays with the caller.",
    pdpix: "ENOTSUP",
    compat: NONE,
    run({ libos }) {
      const qd = libos.queue();
      return refused(libos, (sga) => libos.pushTo(qd, sga, { hostname: "127.0.0.1", port: 80 }));
    },
  },
  {
    id: "queue/no-copy",
    needs: ["queue"],
    rule: "What is popped is the memory that was pushed.",
    pdpix: "same",
    compat: NONE,
    async run({ libos }) {
      const qd = libos.queue();
      const sga = message(libos, "data");
      const { buffer, byteOffset } = sga.bytes();
      assertEquals(await ending(libos, libos.push(qd, sga)), "push");
      const completion = await wait(libos, libos.pop(qd), 2000);
      if (completion.opcode !== "pop" || completion.sga === null) return completion.opcode;
      using popped = completion.sga;
      const bytes = popped.bytes();
      return bytes.buffer === buffer && bytes.byteOffset === byteOffset ? "same" : "copy";
    },
  },
  {
    id: "queue/size",
    needs: ["queue"],
    rule: "Elements are whole: the size of a pop cuts none.",
    pdpix: "abcdef",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      await from.send("abcdef");
      return await to.receive(3);
    },
  },
  {
    id: "queue/segments",
    needs: ["queue"],
    rule: "An element keeps its segments.",
    pdpix: "1,2,3",
    compat: NONE,
    async run({ libos }) {
      const qd = libos.queue();
      assertEquals(await ending(libos, libos.push(qd, libos.alloc([1, 2, 3]))), "push");
      const completion = await wait(libos, libos.pop(qd), 2000);
      if (completion.opcode !== "pop" || completion.sga === null) return completion.opcode;
      using sga = completion.sga;
      return Array.from({ length: sga.numsegs }, (_, i) => sga.bytes(i).length).join();
    },
  },
  {
    id: "queue/empty-element",
    needs: ["queue"],
    rule: "An element of no bytes is one.",
    pdpix: "pop data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      await from.send("");
      await from.send("data");
      return list([await ending(to.libos, to.pop()), await to.receive()]);
    },
  },
  {
    id: "queue/close-frees",
    needs: ["queue"],
    rule: "Elements that nobody popped are freed with the queue.",
    pdpix: "10 0",
    compat: NONE,
    async run({ libos }) {
      const end = new End(libos, libos.queue());
      for (let i = 0; i < 10; i++) await end.send(100);
      const held = libos.statistics().buffers;
      end.close();
      return list([String(held), String(libos.statistics().buffers)]);
    },
  },
  {
    id: "queue/room",
    needs: ["queue"],
    rule: "Each pop makes room for one push, first in, first out.",
    pdpix: "push pending push",
    compat: NONE,
    async run({ libos }) {
      const end = new End(libos, libos.queue());
      const { blocked } = await end.fill(8, 1 << 20);
      if (blocked === null) return "never pending";
      const later = end.push(8);
      await end.receive();
      const answers = [await endingNow(libos, blocked), await endingNow(libos, later)];
      await end.receive();
      return list([...answers, await ending(libos, later)]);
    },
  },
  {
    id: "queue/cancelled-pops",
    needs: ["queue"],
    rule: "An element is for the pops that are left.",
    pdpix: "ECANCELED ECANCELED pop",
    compat: NONE,
    async run({ libos }) {
      const end = new End(libos, libos.queue());
      const pops = [end.pop(), end.pop(), end.pop()];
      libos.cancel(pops[1]!);
      libos.cancel(pops[0]!);
      await end.send("data");
      return await endings(libos, pops);
    },
  },
];
