/**
 * Pipes: named queues between processes, one end of which pops and makes it, and one pushes.
 *
 * Upstream's cases in two processes are about what the peer's end does to an operation under way; here
 * both ends are in one process, and the close is the same.
 *
 * @module
 */

import { code, codes, ending, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { End, refused } from "../end.ts";
import type { World } from "../world.ts";

let names = 0;

function freeName(): string {
  return `contract-${Deno.pid}-${names++}`;
}

function pipe({ libos }: World, name: string, end: "pop" | "push"): End {
  return new End(libos, libos.pipe(name, end));
}

function ends(world: World): { from: End; to: End } {
  const name = freeName();
  const to = pipe(world, name, "pop");
  return { from: pipe(world, name, "push"), to };
}

/** What is no name of a pipe. */
const NO_NAMES = ["", "a/b", "a\0b", null, undefined, 5] as string[];

/** See the module's description. */
export const PIPE: readonly Case[] = [
  {
    id: "pipe/unsupported",
    needs: [],
    rule: "Where the capabilities have no pipes they are refused.",
    pdpix: "as told",
    run(world) {
      const answer = code(() => pipe(world, freeName(), "pop"));
      const expected = world.libos.capabilities.pipes ? "ok" : "ENOTSUP";
      return answer === expected ? "as told" : answer;
    },
  },
  {
    id: "pipe/no-end",
    needs: ["pipe"],
    rule: "What is no end of a pipe is refused.",
    pdpix: "EINVAL",
    run: ({ libos }) =>
      codes(["", "both", null, 1] as unknown as "pop"[], (end) => libos.pipe(freeName(), end)),
  },
  {
    id: "pipe/create-no-name",
    upstream: ["pipe-test/create_pipe/invalid_name"],
    needs: ["pipe"],
    rule: "What is no name is refused.",
    pdpix: "EINVAL",
    run: (world) => codes(NO_NAMES, (name) => pipe(world, name, "pop")),
  },
  {
    id: "pipe/create-same",
    upstream: ["pipe-test/create_pipe/same_name", "pipe-test/create_pipe/same_name_two_liboses"],
    needs: ["pipe"],
    rule: "A pipe is made once, whoever makes it; the name is free when it is closed.",
    pdpix: "ok EEXIST ok",
    run(world) {
      const name = freeName();
      const first = pipe(world, name, "pop");
      const again = code(() => pipe(world, name, "pop"));
      first.close();
      return list(["ok", again, code(() => pipe(world, name, "pop"))]);
    },
  },
  {
    id: "pipe/open-no-name",
    upstream: ["pipe-test/open_pipe/invalid_name"],
    needs: ["pipe"],
    rule: "What is no name is refused.",
    pdpix: "EINVAL",
    run: (world) => codes(NO_NAMES, (name) => pipe(world, name, "push")),
  },
  {
    id: "pipe/open-missing",
    upstream: ["pipe-test/open_pipe/missing"],
    needs: ["pipe"],
    rule: "A pipe that nobody made cannot be opened.",
    pdpix: "ENOENT",
    run: (world) => code(() => pipe(world, freeName(), "push")),
  },
  {
    id: "pipe/open-several",
    upstream: ["pipe-test/open_pipe/multiple_times"],
    needs: ["pipe"],
    rule: "Several may push into one pipe.",
    pdpix: "ok ok",
    run(world) {
      const name = freeName();
      pipe(world, name, "pop");
      return list([0, 1].map(() => code(() => pipe(world, name, "push"))));
    },
  },
  {
    id: "pipe/wrong-end",
    needs: ["pipe"],
    rule: "The end that pops refuses to push, and the other to pop.",
    pdpix: "ENOTSUP ENOTSUP",
    run(world) {
      const { from, to } = ends(world);
      return list([
        refused(to.libos, (sga) => to.libos.push(to.qd, sga)),
        code(() => from.pop()),
      ]);
    },
  },
  {
    id: "pipe/push-wait",
    upstream: ["pipe-test/push-wait", "pipe-test/push-wait-async"],
    needs: ["pipe"],
    rule: "Pushes that wait when the end that pushes is closed are cancelled.",
    pdpix: "ECANCELED",
    compat: "EBADF",
    async run(world) {
      const { from } = ends(world);
      const { blocked } = await from.fill(1 << 14, 1 << 24);
      if (blocked === null) return "never pending";
      from.close();
      return await ending(from.libos, blocked);
    },
  },
  {
    id: "pipe/pop-wait",
    upstream: ["pipe-test/pop-wait", "pipe-test/pop-wait-async"],
    needs: ["pipe"],
    rule: "Pops that wait when the other end is closed give the end.",
    pdpix: "end end",
    async run(world) {
      const { from, to } = ends(world);
      const pops = [to.pop(), to.pop()];
      from.close();
      return list(await Array.fromAsync(pops, (qt) => to.told(qt)));
    },
  },
];
