/**
 * Waiting for one token.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, list, NO_TOKENS, tell } from "../answers.ts";
import type { Case } from "../case.ts";
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
    run(world) {
      const { from } = channel(world);
      const qt = from.push("data");
      return list([tell(from.libos.wait(qt, 2000)), code(() => from.libos.wait(qt, 0))]);
    },
  },
  {
    id: "wait/poll-once",
    needs: ["channel"],
    rule: "A timeout of 0 polls once, and the token is as good as before.",
    pdpix: "ETIMEDOUT ETIMEDOUT data",
    compat: "up to 128 polls",
    run(world) {
      const { from, to } = channel(world);
      const qt = to.pop();
      const answers = [0, 0].map((timeout) => code(() => to.libos.wait(qt, timeout)));
      from.send("data");
      return list([...answers, to.told(qt)]);
    },
  },
  {
    id: "wait/timeout",
    needs: ["channel"],
    rule: "A timeout ends the waiting and not the operation.",
    pdpix: "ETIMEDOUT data",
    run(world) {
      const { from, to } = channel(world);
      const qt = to.pop();
      const answer = code(() => to.libos.wait(qt, 1.5));
      from.send("data");
      return list([answer, to.told(qt)]);
    },
  },
  {
    id: "wait/no-timeout",
    needs: ["channel"],
    rule: "Without a timeout it waits until the operation is over.",
    pdpix: "pop",
    compat: "at most 120 s",
    run(world) {
      const { from, to } = channel(world);
      const qt = to.pop();
      from.send("data");
      return tell(to.libos.wait(qt));
    },
  },
  {
    id: "wait/wrong-timeout",
    needs: ["channel"],
    rule: "A timeout that makes no sense is refused, and uses nothing up.",
    pdpix: "EINVAL EINVAL EINVAL EINVAL data",
    run(world) {
      const { from, to } = channel(world);
      const qt = to.pop();
      const answers = [
        codes(NO_TIMEOUTS, (timeout) => to.libos.wait(qt, timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitAny([qt], timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitAll([qt], timeout)),
        codes(NO_TIMEOUTS, (timeout) => to.libos.waitNextN(1, timeout)),
      ];
      from.send("data");
      return list([...answers, to.told(qt)]);
    },
  },
  {
    id: "wait/completion",
    needs: ["channel"],
    rule: "A completion tells the opcode, the queue and the token.",
    pdpix: "push pop",
    run(world) {
      const { from, to } = channel(world);
      const [push, pop] = [from.push("data"), to.pop()];
      const pushed = from.libos.wait(push, 2000);
      const popped = to.libos.wait(pop, 2000);
      assertEquals([pushed.qd, pushed.qt, popped.qd, popped.qt], [from.qd, push, to.qd, pop]);
      return list([pushed, popped].map(tell));
    },
  },
  {
    id: "wait/late",
    needs: ["channel"],
    rule: "A result waits for whoever asks, however much goes on meanwhile.",
    pdpix: "early 1000",
    run(world) {
      const { from, to } = channel(world);
      const early = to.pop();
      from.send("early");
      to.libos.poll();
      const other = channel(world);
      let count = 0;
      for (let i = 0; i < 1000; i++) {
        other.from.send("data");
        if (other.to.receive() === "data") count++;
      }
      return list([to.told(early), String(count)]);
    },
  },
  {
    id: "wait/tokens-differ",
    needs: ["channel"],
    rule: "Tokens are positive safe integers, and none comes twice.",
    pdpix: "1000 1000",
    compat: "u64, that pass 2^53",
    run(world) {
      const { from, to } = channel(world);
      const seen = [new Set<number>(), new Set<number>()];
      for (let i = 0; i < 1000; i++) {
        const [push, pop] = [from.push("x"), to.pop()];
        for (const [i, qt] of [push, pop].entries()) {
          if (Number.isSafeInteger(qt) && qt > 0) seen[i]!.add(qt);
        }
        if (from.libos === to.libos) assertEquals(seen[0]!.has(pop) || seen[1]!.has(push), false);
        from.libos.wait(push, 2000);
        tell(to.libos.wait(pop, 2000));
      }
      return list(seen.map(({ size }) => String(size)));
    },
  },
  {
    id: "wait/statistics",
    needs: ["channel"],
    rule: "Statistics tell what is pending, and which tokens are not used up.",
    pdpix: "2,2 1,2 0,0",
    run(world) {
      const { to } = channel(world);
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
      for (const qt of pops) tell(libos.wait(qt, 2000));
      return list([...answers, told()]);
    },
  },
];
