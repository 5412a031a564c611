/**
 * Half close and resets: how connections end otherwise than by a close.
 *
 * @module
 */

import {
  code,
  codes,
  ending,
  endingNow,
  endings,
  list,
  NO_DESCRIPTORS,
  pollAll,
} from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, message, refused } from "../end.ts";
import { bound, connected, listening, socket } from "../world.ts";

/** Upstream has no call for it. */
const NONE = "there is no shutdown";
/** The most that is pushed to find out whether a channel is bounded. */
const ENOUGH = 1 << 27;

/** How the first push ends that the peer, which is gone, makes fail, and the one after it. */
async function refusals(end: End, gone: End): Promise<string> {
  // A reset may take its time: each push, and its way to the peer's, is given some.
  const tries = await Array.fromAsync({ length: 100 }, async () => {
    const answer = await endingNow(end.libos, end.push("nobody"));
    await pollAll(gone.libos);
    return answer;
  });
  const first = tries.findIndex((answer) => answer !== "push");
  return first < 0 ? "all taken" : list(tries.slice(first, first + 2));
}

/** See the module's description. */
export const ENDING: readonly Case[] = [
  {
    id: "shutdown/no-descriptor",
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    compat: NONE,
    run: ({ libos }) => codes(NO_DESCRIPTORS, (qd) => libos.shutdown(qd, "write")),
  },
  {
    id: "shutdown/not-connected",
    needs: ["stream", "halfClose"],
    rule: "A socket that is not connected has nothing to close half of.",
    pdpix: "ENOTCONN ENOTCONN ENOTCONN",
    compat: NONE,
    run(world) {
      const qds = [socket(world), bound(world).qd, listening(world).qd];
      return list(qds.map((qd) => code(() => world.libos.shutdown(qd, "write"))));
    },
  },
  {
    id: "shutdown/no-direction",
    needs: ["stream", "halfClose"],
    rule: "Every other direction is refused, and the connection is whole.",
    pdpix: "EINVAL data",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const wrong = ["", "WRITE", "rw", 1, null, undefined] as unknown as "write"[];
      const answer = codes(wrong, (how) => a.libos.shutdown(a.qd, how));
      await a.send("data");
      return list([answer, await b.receive()]);
    },
  },
  {
    id: "shutdown/unsupported",
    needs: ["stream"],
    rule: "It works where the capabilities say so, and is refused elsewhere.",
    pdpix: "as told",
    compat: NONE,
    async run(world) {
      const { a } = await connected(world);
      const answer = code(() => a.libos.shutdown(a.qd, "write"));
      const expected = a.libos.capabilities.halfClose ? "ok" : "ENOTSUP";
      return answer === expected ? "as told" : answer;
    },
  },
  {
    id: "shutdown/write",
    needs: ["stream", "halfClose"],
    rule: "The peer gets what was sent and then the end; the other direction goes on.",
    pdpix: "request end response end",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      await a.send("request");
      a.libos.shutdown(a.qd, "write");
      const answers = [await b.receive(), await b.receive()];
      await b.send("response");
      b.close();
      return list([...answers, await a.receive(), await a.receive()]);
    },
  },
  {
    id: "shutdown/push-after",
    needs: ["stream", "halfClose"],
    rule: "A push after it is refused, and the buffer stays with the caller.",
    pdpix: "EPIPE ok",
    compat: NONE,
    async run(world) {
      const { a } = await connected(world);
      a.libos.shutdown(a.qd, "write");
      return list([
        refused(a.libos, (sga) => a.libos.push(a.qd, sga)),
        code(() => a.libos.shutdown(a.qd, "write")),
      ]);
    },
  },
  {
    id: "shutdown/with-data",
    needs: ["stream", "halfClose"],
    rule: "A push and the end, asked for in one go, arrive as the data and then the end.",
    pdpix: "push data end",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const push = a.push("data");
      a.libos.shutdown(a.qd, "write");
      return list([await ending(a.libos, push), await b.receive(), await b.receive()]);
    },
  },
  {
    id: "shutdown/other-way-full",
    needs: ["stream", "halfClose"],
    rule: "The direction that goes on carries more than the buffers hold: pushes wait and go on.",
    pdpix: "end push all",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      a.libos.shutdown(a.qd, "write");
      const end = await b.receive();
      const { blocked, gone } = await b.fill(1 << 16, ENOUGH);
      if (blocked === null) return "never pending";
      const length = (await a.drain((gone + 1) << 16)).length;
      const all = length === (gone + 1) << 16 ? "all" : String(length);
      return list([end, await ending(b.libos, blocked), all]);
    },
  },
  {
    id: "shutdown/pending",
    needs: ["stream", "halfClose"],
    rule: "What waits to be sent is sent before.",
    pdpix: "push push all",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const { blocked, gone } = await a.fill(1 << 16, ENOUGH);
      if (blocked === null) return "never pending";
      const last = a.push(1 << 16);
      a.libos.shutdown(a.qd, "write");
      const length = (await b.drain()).length;
      const all = length === (gone + 2) * (1 << 16) ? "all" : String(length);
      return list([await endings(a.libos, [blocked, last]), all]);
    },
  },
  {
    id: "shutdown/read",
    needs: ["stream", "halfClose"],
    rule: "Pops that wait and that come give the end; the other direction goes on.",
    pdpix: "end end data",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const pop = a.pop();
      a.libos.shutdown(a.qd, "read");
      await a.send("data");
      return list([await a.told(pop), await a.receive(), await b.receive()]);
    },
  },
  {
    id: "shutdown/both",
    needs: ["stream", "halfClose"],
    rule: "Both directions end, for both, and the queues stay open.",
    pdpix: "end end ok ok",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const pops = [a.pop(), b.pop()] as const;
      a.libos.shutdown(a.qd, "both");
      const answers = [await a.told(pops[0]), await b.told(pops[1])];
      return list([
        ...answers,
        code(() => a.libos.shutdown(a.qd, "both")),
        code(() => a.close()),
      ]);
    },
  },
  {
    id: "shutdown/crossing",
    needs: ["stream", "halfClose"],
    rule: "Both ends may close their directions at once.",
    pdpix: "end end",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const pops = [a.pop(), b.pop()] as const;
      a.libos.shutdown(a.qd, "write");
      b.libos.shutdown(b.qd, "write");
      return list([await a.told(pops[0]), await b.told(pops[1])]);
    },
  },
  {
    id: "shutdown/crossing-data",
    needs: ["stream", "halfClose"],
    rule: "What both ends pushed before they closed their directions at once arrives.",
    pdpix: "of b end of a end",
    compat: NONE,
    async run(world) {
      const { a, b } = await connected(world);
      const pushes = [a.push("of a"), b.push("of b")] as const;
      a.libos.shutdown(a.qd, "write");
      b.libos.shutdown(b.qd, "write");
      await ending(a.libos, pushes[0]);
      await ending(b.libos, pushes[1]);
      return list([await a.receive(), await a.receive(), await b.receive(), await b.receive()]);
    },
  },
  {
    id: "reset/pops",
    needs: ["stream", "inet", "linger"],
    rule: "A reset fails all pops that wait, and those that come.",
    pdpix: "ECONNRESET ECONNRESET ECONNRESET",
    compat: "the own stack wakes no pending pop",
    async run(world) {
      const { a, b } = await connected(world);
      const pops = [a.pop(), a.pop()];
      b.reset();
      return list([await endings(a.libos, pops), await a.receive()]);
    },
  },
  {
    id: "reset/pushes",
    needs: ["stream", "inet", "linger"],
    rule: "A reset fails all pushes that wait, and those that come; their buffers come back.",
    pdpix: "ECONNRESET ECONNRESET ECONNRESET 0",
    async run(world) {
      const { a, b } = await connected(world);
      const before = a.libos.statistics().buffers;
      const { blocked } = await a.fill(1 << 18, ENOUGH);
      if (blocked === null) return "never pending";
      const waiting = a.push("waits");
      b.reset();
      const answer = await endings(a.libos, [blocked, waiting]);
      const late = await ending(a.libos, a.push("late"));
      return list([answer, late, String(a.libos.statistics().buffers - before)]);
    },
  },
  {
    id: "reset/both",
    needs: ["stream", "inet", "linger"],
    rule: "A reset that a push finds is one for the pops too, not an end.",
    pdpix: "ECONNRESET ECONNRESET ECONNRESET",
    async run(world) {
      const { a, b } = await connected(world);
      const pop = a.pop();
      b.reset();
      // It may be on its way still, and then a push is taken.
      let push = await endingNow(a.libos, a.push("finds it"));
      if (push === "push") push = await ending(a.libos, a.push("finds it"));
      return list([push, await ending(a.libos, pop), await a.receive()]);
    },
  },
  {
    id: "reset/data-before",
    needs: ["stream", "inet", "linger"],
    rule: "What came before a reset is popped before it.",
    pdpix: "data ECONNRESET",
    async run(world) {
      const { a, b } = await connected(world);
      await b.send("data");
      b.reset();
      return list([await a.receive(), await a.receive()]);
    },
  },
  {
    id: "reset/close",
    needs: ["stream", "inet", "linger"],
    rule: "A connection that was reset is closed like any other, and others live on.",
    pdpix: "ECONNRESET ok EBADF data",
    async run(world) {
      const [one, other] = [await connected(world), await connected(world)];
      one.b.reset();
      const answers = [
        await one.a.receive(),
        code(() => one.a.close()),
        code(() => one.a.close()),
      ];
      await other.a.send("data");
      return list([...answers, await other.b.receive()]);
    },
  },
  {
    id: "reset/closed",
    needs: ["stream", "duplex", "end"],
    rule:
      "A peer that has closed takes nothing more: pushes tell of a reset. Its end was one, and is told again.",
    pdpix: "end ECONNRESET ECONNRESET end",
    async run(world) {
      const { a, b } = await connected(world);
      b.close();
      return list([await a.receive(), await refusals(a, b), await a.receive()]);
    },
  },
  {
    id: "reset/try-push",
    needs: ["stream", "duplex", "end"],
    rule: "tryPush on a connection that takes nothing more throws why.",
    pdpix: "end ECONNRESET ECONNRESET ECONNRESET",
    async run(world) {
      const { a, b } = await connected(world);
      b.close();
      const popped = await a.receive();
      return list([
        popped,
        await refusals(a, b),
        code(() => a.libos.tryPush(a.qd, message(a.libos, "data"), 0)),
      ]);
    },
  },
  {
    id: "reset/closed-data",
    needs: ["stream", "duplex", "end"],
    rule:
      "What a peer sent before it closed is popped, and its end, also when a push has failed by then.",
    pdpix: "ECONNRESET ECONNRESET data end end",
    async run(world) {
      const { a, b } = await connected(world);
      await b.send("data");
      b.close();
      return list([await refusals(a, b), await a.receive(), await a.receive(), await a.receive()]);
    },
  },
  {
    id: "reset/unread",
    needs: ["stream", "duplex", "end"],
    rule:
      "A peer that closes with data unread has reset the connection, whoever asks first, and each time.",
    pdpix:
      "ECONNRESET ECONNRESET ECONNRESET ECONNRESET, ECONNRESET ECONNRESET ECONNRESET ECONNRESET",
    async run(world) {
      const [one, other] = [await connected(world), await connected(world)];
      for (const { a, b } of [one, other]) {
        await a.send("unread");
        pollAll(b.libos);
        b.close();
      }
      const popsFirst = [
        await one.a.receive(),
        await one.a.receive(),
        await refusals(one.a, one.b),
      ];
      const pushesFirst = [
        await refusals(other.a, other.b),
        await other.a.receive(),
        await other.a.receive(),
      ];
      return `${list(popsFirst)}, ${list(pushesFirst)}`;
    },
  },
  {
    id: "reset/unread-data",
    needs: ["stream", "duplex", "end"],
    rule: "What such a peer sent before is popped before the reset.",
    pdpix: "one two ECONNRESET ECONNRESET",
    async run(world) {
      const { a, b } = await connected(world);
      await a.send("unread");
      await b.send("one");
      await b.send("two");
      pollAll(b.libos);
      b.close();
      return list([await a.receive(3), await a.receive(3), await a.receive(), await a.receive()]);
    },
  },
];
