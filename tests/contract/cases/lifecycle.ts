/**
 * Opening and closing a libOS, and what it tells of what was left behind.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { message } from "../end.ts";
import { channel } from "../world.ts";

/** Upstream has no way to close a libOS. */
const NONE = "there is no exit";

/** See the module's description. */
export const LIFECYCLE: readonly Case[] = [
  {
    id: "open/empty",
    upstream: ["udp.rs/setup"],
    needs: [],
    rule: "A libOS that was just opened holds nothing, and tells who it is.",
    pdpix: "0 0 0 0 0",
    run({ libos, subject }) {
      assertEquals([libos.name, libos.provider], [subject.libos, subject.provider]);
      const { queues, pending, tokens, buffers, bufferBytes } = libos.statistics();
      return list([queues, pending, tokens, buffers, bufferBytes].map(String));
    },
  },
  {
    id: "open/storage",
    needs: ["noStorage"],
    rule: "Without storage its calls are refused.",
    pdpix: "ENOTSUP",
    compat: "there are no such calls",
    run: ({ libos }) =>
      codes(
        [
          () => libos.open("/log"),
          () => libos.creat("/log"),
          () => libos.lseek(1, 0),
          () => libos.truncate(1, 0),
        ],
        (call) => call(),
      ),
  },
  {
    id: "exit/report",
    needs: ["channel"],
    rule: "It tells what is left: buffers, bytes, queues, tokens.",
    pdpix: "2 true 1",
    compat: NONE,
    exits: true,
    async run(world) {
      const { libos } = world;
      const { from } = await channel(world);
      const { queues } = libos.statistics();
      libos.alloc(100);
      libos.alloc([1000]);
      libos.push(from.qd, message(libos, "nobody waits"));
      const report = await libos.exit();
      assertEquals(report.openQueues, queues);
      return list(
        [report.leakedBuffers, report.leakedBytes >= 1100, report.unusedTokens].map(String),
      );
    },
  },
  {
    id: "exit/leaks",
    needs: [],
    rule: "In debug mode it tells where what leaked was allocated.",
    pdpix: "1 here",
    compat: NONE,
    exits: true,
    async run({ libos, subject }) {
      await libos.exit();
      const debug = subject.open({ debug: true });
      debug.alloc(100);
      const { leaks } = await debug.exit();
      const here = leaks[0]?.includes(import.meta.url) ? "here" : "elsewhere";
      return list([String(leaks.length), here]);
    },
  },
  {
    id: "exit/poison",
    needs: [],
    rule: "In debug mode a write to freed memory is found.",
    pdpix: "EFAULT",
    compat: NONE,
    exits: true,
    async run({ libos, subject }) {
      await libos.exit();
      await using debug = subject.open({ debug: true });
      const sga = debug.alloc(64);
      const bytes = sga.bytes();
      sga.free();
      bytes[5] = 1;
      return code(() => debug.alloc(64));
    },
  },
  {
    id: "exit/pending",
    needs: ["channel"],
    rule: "What is pending is cancelled, and can be waited for afterwards.",
    pdpix: "ECANCELED",
    compat: NONE,
    exits: true,
    async run(world) {
      const { to } = await channel(world);
      const pop = to.pop();
      await to.libos.exit();
      return await ending(to.libos, pop);
    },
  },
  {
    id: "exit/awaited",
    needs: ["channel"],
    rule: "Coroutines and promises that wait get the error.",
    pdpix: "ECANCELED ECANCELED",
    compat: NONE,
    exits: true,
    async run(world) {
      const { to } = await channel(world);
      const { operations } = to.libos;
      const answers = Promise.allSettled([
        operations.pop(to.qd),
        to.libos.spawn((function* () {
          yield* operations.pop(to.qd);
        })()),
      ]);
      await operations.sleep(0);
      await to.libos.exit();
      return list(
        (await answers).map((one) => one.status === "rejected" ? one.reason.code : one.status),
      );
    },
  },
  {
    id: "exit/after",
    needs: [],
    rule: "Afterwards nothing can be made, nothing is open, and closing again is harmless.",
    pdpix: "ENODEV EBADF ok",
    compat: NONE,
    exits: true,
    async run({ libos }) {
      const qd = libos.queue();
      const first = await libos.exit();
      const made = codes(
        [
          () => libos.socket("inet", "stream"),
          () => libos.queue(),
          () => libos.alloc(64),
          () => libos.spawn((function* () {})()),
        ],
        (call) => call(),
      );
      const open = codes([() => libos.pop(qd), () => libos.close(qd)], (call) => call());
      assertEquals(await libos.exit(), first);
      return list([made, open, "ok"]);
    },
  },
  {
    id: "exit/again",
    needs: ["channel"],
    rule: "It can be opened again, and works.",
    pdpix: "data",
    compat: NONE,
    exits: true,
    async run({ libos, peer: other, subject }) {
      await Promise.all([libos.exit(), other.exit()]);
      await using again = subject.open();
      const peer = subject.openPeer?.(again) ?? again;
      const { from, to } = await channel({ subject, libos: again, peer });
      await from.send("data");
      const answer = await to.receive();
      if (peer !== again) await peer.exit();
      return answer;
    },
  },
];
