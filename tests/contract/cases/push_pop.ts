/**
 * Pushing and popping: order, wholeness, sizes, and the end of the stream.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ending, endings, list, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { message, pattern } from "../end.ts";
import { wait } from "../waits.ts";
import { channel } from "../world.ts";

/** See the module's description. */
export const PUSH_POP: readonly Case[] = [
  {
    id: "push/data",
    upstream: ["tcp.rs/push_remote"],
    needs: ["channel"],
    rule: "What is pushed is popped.",
    pdpix: "push data",
    async run(world) {
      const { from, to } = await channel(world);
      return list([await ending(from.libos, from.push("data")), await to.receive()]);
    },
  },
  {
    id: "pop/before-push",
    needs: ["channel"],
    rule: "A pop waits for what is pushed later.",
    pdpix: "push data",
    async run(world) {
      const { from, to } = await channel(world);
      const pop = to.pop();
      return list([await ending(from.libos, from.push("data")), await to.told(pop)]);
    },
  },
  {
    id: "push/both-ways",
    needs: ["channel", "duplex"],
    rule: "Both ends push and pop, and each gets what the other sent.",
    pdpix: "ping pong",
    async run(world) {
      const { from, to } = await channel(world);
      const pops = [to.pop(), from.pop()] as const;
      await from.send("ping");
      await to.send("pong");
      return list([await to.told(pops[0]), await from.told(pops[1])]);
    },
  },
  {
    id: "pop/order",
    needs: ["channel"],
    rule: "Pops get the data in the order in which they were asked, waited for in any order.",
    pdpix: "5 4 3 2 1",
    compat: "order is not promised",
    async run(world) {
      const { from, to } = await channel(world);
      const pops = Array.from({ length: 5 }, () => to.pop(1));
      for (const text of ["1", "2", "3", "4", "5"]) await from.send(text);
      return list(await Array.fromAsync(pops.reverse(), (qt) => to.told(qt)));
    },
  },
  {
    id: "push/order",
    needs: ["channel"],
    rule: "Pushes arrive in the order in which they were made, though nobody waits in between.",
    pdpix: "200",
    compat: "pushes at once may be swapped (#1526)",
    async run(world) {
      const { from, to } = await channel(world);
      const pushes = Array.from({ length: 200 }, (_, i) => from.push(String(1000 + i)));
      let next = 1000;
      for (; next < 1200 && new TextDecoder().decode(await to.drain(4)) === String(next); next++);
      for (const qt of pushes) assertEquals(await ending(from.libos, qt), "push");
      return String(next - 1000);
    },
  },
  {
    id: "push/whole",
    needs: ["channel", "bytes"],
    rule: "A large push is over when all is taken, and never interleaved with another.",
    pdpix: "push push push",
    compat: "at most 65535 bytes",
    async run(world) {
      const { from, to } = await channel(world);
      const size = 2 << 20;
      const pushes = Array.from({ length: 3 }, () => from.push(size));
      for (let i = 0; i < 3; i++) assertEquals(await to.drain(size), pattern(size), `push ${i}`);
      return await endings(from.libos, pushes);
    },
  },
  {
    id: "push/elements",
    needs: ["channel", "records"],
    rule: "Elements arrive whole and apart.",
    pdpix: "1 1000 64 3",
    compat: "in datagrams and pipes alone",
    async run(world) {
      const { from, to } = await channel(world);
      const sizes = [1, 1000, 64, 3];
      for (const size of sizes) await from.send(size);
      return list(
        await Array.fromAsync(sizes, async (size) => {
          const completion = await wait(to.libos, to.pop(), 2000);
          if (completion.opcode !== "pop" || completion.sga === null) return tell(completion);
          using sga = completion.sga;
          const bytes = sga.toUint8Array();
          assertEquals(bytes, pattern(size));
          return String(bytes.length);
        }),
      );
    },
  },
  {
    id: "push/sizes",
    needs: ["channel"],
    rule: "Every size goes through: one byte, a page and one more, 64 KiB less one.",
    pdpix: "1 63 64 65 1280 4096 4097 65535",
    async run(world) {
      const { from, to } = await channel(world);
      return list(
        await Array.fromAsync([1, 63, 64, 65, 1280, 4096, 4097, 65535], async (size) => {
          const push = from.push(size);
          const bytes = await to.drain(size);
          assertEquals(bytes, pattern(size));
          assertEquals(await ending(from.libos, push), "push");
          return String(bytes.length);
        }),
      );
    },
  },
  {
    id: "push/segments",
    needs: ["channel"],
    rule: "The segments of an sga go out one after the other, as one push.",
    pdpix: "push abcdef",
    compat: "one segment alone",
    async run(world) {
      const { from, to } = await channel(world);
      const sga = from.libos.alloc([1, 2, 3]);
      const bytes = new TextEncoder().encode("abcdef");
      sga.bytes(0).set(bytes.subarray(0, 1));
      sga.bytes(1).set(bytes.subarray(1, 3));
      sga.bytes(2).set(bytes.subarray(3));
      const answer = await ending(from.libos, from.libos.push(from.qd, sga));
      return list([answer, new TextDecoder().decode(await to.drain(6))]);
    },
  },
  {
    id: "push/many-segments",
    needs: ["channel", "bytes"],
    rule: "Any number of segments is one push.",
    pdpix: "push",
    compat: "one segment alone",
    async run(world) {
      const { from, to } = await channel(world);
      const sga = from.libos.alloc(new Array(3000).fill(10));
      for (let i = 0; i < 3000; i++) sga.bytes(i).fill(i % 251);
      const push = from.libos.push(from.qd, sga);
      assertEquals(
        await to.drain(30_000),
        Uint8Array.from({ length: 30_000 }, (_, i) => Math.floor(i / 10) % 251),
      );
      return await ending(from.libos, push);
    },
  },
  {
    id: "push/trimmed",
    needs: ["channel"],
    rule: "What was trimmed off is not sent.",
    pdpix: "bcd",
    async run(world) {
      const { from, to } = await channel(world);
      const sga = message(from.libos, "abcde");
      sga.trim(1, 3);
      assertEquals(await ending(from.libos, from.libos.push(from.qd, sga)), "push");
      return await to.receive();
    },
  },
  {
    id: "push/empty",
    needs: ["channel", "bytes"],
    rule: "Nothing is pushed at once, and is no end for the peer.",
    pdpix: "push data",
    compat: "EINVAL",
    async run(world) {
      const { from, to } = await channel(world);
      const answer = await ending(from.libos, from.push(""));
      await from.send("data");
      return list([answer, await to.receive()]);
    },
  },
  {
    id: "pop/size",
    needs: ["channel", "bytes"],
    rule: "A pop takes at most its size, and leaves the rest to the next one.",
    pdpix: "abc d efgh",
    compat: "in Rust alone, at most 8192",
    async run(world) {
      const { from, to } = await channel(world);
      await from.send("abcdefgh");
      return list([await to.receive(3), await to.receive(1), await to.receive()]);
    },
  },
  {
    id: "pop/huge-size",
    needs: ["channel"],
    rule: "A size larger than what there is, however large, is no harm.",
    pdpix: "data",
    async run(world) {
      const { from, to } = await channel(world);
      await from.send("data");
      return await to.receive(Number.MAX_SAFE_INTEGER);
    },
  },
  {
    id: "pop/end",
    needs: ["channel", "end"],
    rule: "After the data comes the end, for all that wait, and again each time.",
    pdpix: "last end end end end",
    compat: "an empty sga, once; then no answer for 120 s",
    async run(world) {
      const { from, to } = await channel(world);
      const pops = [to.pop(), to.pop(), to.pop()];
      await from.send("last");
      from.close();
      return list([
        ...await Array.fromAsync(pops, (qt) => to.told(qt)),
        await to.receive(),
        await to.receive(),
      ]);
    },
  },
  {
    id: "pop/end-at-once",
    needs: ["channel", "end"],
    rule: "The end may come before any data.",
    pdpix: "end end",
    async run(world) {
      const { from, to } = await channel(world);
      from.close();
      return list([await to.receive(), await to.receive()]);
    },
  },
  {
    id: "push/many-queues",
    needs: ["channel"],
    rule: "A hundred queues at once get each what is theirs.",
    pdpix: "100",
    async run(world) {
      const all = await Array.fromAsync({ length: 100 }, () => channel(world));
      const pops = all.map(({ to }) => to.pop());
      const pushes = all.map(({ from }, i) => from.push(`message ${i}`)).reverse();
      const answers = await Array.fromAsync(pops, (qt, i) => all[i]!.to.told(qt));
      for (const qt of pushes) assert(await ending(world.libos, qt) === "push");
      return String(answers.filter((answer, i) => answer === `message ${i}`).length);
    },
  },
];
