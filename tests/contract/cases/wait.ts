/**
 * Waiting for one token.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codeLater, codes, list, NO_TOKENS, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { wait } from "../waits.ts";
import { channel } from "../world.ts";

/** What is no time to wait. */
const NO_TIMEOUTS = [-1, NaN, -Infinity];

/** See the module's description. */
export const WAIT: readonly Case[] = [
  {
    id: "wait/no-token",
    upstream: ["tcp-test/wait/invalid_token", "pipe-test/wait/invalid_token", "syscalls.c/wait"],
    needs: [],
    rule: "What is no token is refused.",
    pdpix: "EINVAL",
    run: ({ libos }) => codes(NO_TOKENS, (qt) => libos.wait(qt, 0)),
  },
  {
    id: "wait/twice",
    needs: ["channel"],
    rule: "A token is used once.",
    pdpix: "push EINVAL",
    async run(world) {
      const { from } = await channel(world);
      const qt = from.push("data");
      return list([tell(await wait(from.libos, qt, 2000)), code(() => from.libos.wait(qt, 0))]);
    },
  },
  {
    id: "wait/poll-once",
    needs: ["channel"],
    rule: "A timeout of 0 polls once, and the token is as good as before.",
    pdpix: "ETIMEDOUT ETIMEDOUT data",
    compat: "up to 128 polls",
    async run(world) {
      const { from, to } = await channel(world);
      const qt = to.pop();
      const answers = await Array.fromAsync(
        [0, 0],
        (timeout) => codeLater(() => wait(to.libos, qt, timeout)),
      );
      await from.send("data");
      return list([...answers, await to.told(qt)]);
    },
  },
  {
    id: "wait/timeout",
    needs: ["channel"],
    rule: "A timeout ends the waiting and not the operation.",
    pdpix: "ETIMEDOUT data",
    async run(world) {
      const { from, to } = await channel(world);
      const qt = to.pop();
      const answer = await codeLater(() => wait(to.libos, qt, 1.5));
      await from.send("data");
      return list([answer, await to.told(qt)]);
    },
  },
  {
    id: "wait/no-timeout",
    needs: ["channel"],
    rule: "Without a timeout it waits until the operation is over.",
    pdpix: "pop",
    compat: "at most 120 s",
    async run(world) {
      const { from, to } = await channel(world);
      const qt = to.pop();
      await from.send("data");
      return tell(await wait(to.libos, qt));
    },
  },
  {
    id: "wait/wrong-timeout",
    needs: ["channel"],
    rule: "A timeout that makes no sense is refused, and uses nothing up.",
    pdpix: "EINVAL EINVAL EINVAL EINVAL data",
    async run(world) {
      const { from, to } = await channel(world);
      const qt = to.pop();
      const answers = [
        codes(NO_TIMEOUTS, (timeout) => to.libos.wait(qt, timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitAny([qt], timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitAll([qt], timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitNextN(1, timeout)),
      ];
      await from.send("data");
      return list([...answers, await to.told(qt)]);
    },
  },
  {
    id: "wait/completion",
    needs: ["channel"],
    rule: "A completion tells the opcode, the queue and the token.",
    pdpix: "push pop",
    async run(world) {
      const { from, to } = await channel(world);
      const [push, pop] = [from.push("data"), to.pop()];
      const pushed = await wait(from.libos, push, 2000);
      const popped = await wait(to.libos, pop, 2000);
      assertEquals([pushed.qd, pushed.qt, popped.qd, popped.qt], [from.qd, push, to.qd, pop]);
      return list([pushed, popped].map(tell));
    },
  },
  {
    id: "wait/late",
    needs: ["channel"],
    rule: "A result waits for whoever asks, however much goes on meanwhile.",
    pdpix: "early 1000",
    async run(world) {
      const { from, to } = await channel(world);
      const early = to.pop();
      await from.send("early");
      to.libos.poll();
      const other = await channel(world);
      let count = 0;
      for (let i = 0; i < 1000; i++) {
        await other.from.send("data");
        if (await other.to.receive() === "data") count++;
      }
      return list([await to.told(early), String(count)]);
    },
  },
  {
    id: "wait/tokens-differ",
    needs: ["channel"],
    rule: "Tokens are positive safe integers, and none comes twice.",
    pdpix: "1000 1000",
    compat: "u64, that pass 2^53",
    async run(world) {
      const { from, to } = await channel(world);
      const seen = [new Set<number>(), new Set<number>()];
      for (let i = 0; i < 1000; i++) {
        const [push, pop] = [from.push("x"), to.pop()];
        for (const [i, qt] of [push, pop].entries()) {
          if (Number.isSafeInteger(qt) && qt > 0) seen[i]!.add(qt);
        }
        if (from.libos === to.libos) assertEquals(seen[0]!.has(pop) || seen[1]!.has(push), false);
        await wait(from.libos, push, 2000);
        tell(await wait(to.libos, pop, 2000));
      }
      return list(seen.map(({ size }) => String(size)));
    },
  },
  {
    id: "wait/statistics",
    needs: ["channel"],
    rule: "Statistics tell what is pending, and which tokens are not used up.",
    pdpix: "2,2 1,2 0,0",
    async run(world) {
      const { to } = await channel(world);
      const { libos } = to;
      const before = libos.statistics();
      const told = () => {
        const { pending, tokens } = libos.statistics();
        return `${pending - before.pending},${tokens - before.tokens}`;
      };
      const pops = [to.pop(), to.pop()];
      const answers = [told()];
      to.libos.cancel(pops[0]!);
      answers.push(told());
      to.close();
      for (const qt of pops) tell(await wait(libos, qt, 2000));
      return list([...answers, told()]);
    },
  },
];
