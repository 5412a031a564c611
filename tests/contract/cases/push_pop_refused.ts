/**
 * Pushes and pops that are refused at the call.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { refused } from "../end.ts";
import { bound, channel, connected, connecting, listening, socket } from "../world.ts";
import type { Sga } from "../../../libos/pdpix.ts";

/** What is no sga of the libOS. */
const NO_SGAS = [null, undefined, 5, "data", {}, new Uint8Array(4), []] as unknown as Sga[];
/** What is no size of a pop. */
const NO_SIZES = [-1, 1.5, NaN, Infinity, null, "8"] as number[];

/** See the module's description. */
export const PUSH_POP_REFUSED: readonly Case[] = [
  {
    id: "push/no-descriptor",
    upstream: ["tcp.rs/bad_push"],
    needs: [],
    rule: "What is no open queue is refused, and the buffer stays with the caller.",
    pdpix: "EBADF",
    run: ({ libos }) => refused(libos, (sga) => codeAll((qd) => libos.push(qd, sga))),
  },
  {
    id: "pop/no-descriptor",
    upstream: ["tcp.rs/bad_pop", "syscalls.c/pop"],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: ({ libos }) => codes(NO_DESCRIPTORS, (qd) => libos.pop(qd)),
  },
  {
    id: "push/no-sga",
    upstream: ["syscalls.c/push"],
    needs: ["channel"],
    rule: "What is no sga is refused.",
    pdpix: "EINVAL",
    async run(world) {
      const { from } = await channel(world);
      return codes(NO_SGAS, (sga) => from.libos.push(from.qd, sga));
    },
  },
  {
    id: "pop/no-size",
    needs: ["channel"],
    rule: "A size that is no integer of 0 or more is refused, and no pop is pending.",
    pdpix: "EINVAL data",
    async run(world) {
      const { from, to } = await channel(world);
      const answer = codes(NO_SIZES, (size) => to.pop(size));
      await from.send("data");
      return list([answer, await to.receive()]);
    },
  },
  {
    id: "push/not-connected",
    needs: ["stream"],
    rule: "A socket that is not connected refuses, and the buffer stays with the caller.",
    pdpix: "ENOTCONN ENOTCONN ENOTCONN",
    run(world) {
      const { libos } = world;
      const qds = [socket(world), bound(world).qd, listening(world).qd];
      return list(qds.map((qd) => refused(libos, (sga) => libos.push(qd, sga))));
    },
  },
  {
    id: "pop/not-connected",
    needs: ["stream"],
    rule: "A socket that is not connected refuses.",
    pdpix: "ENOTCONN ENOTCONN ENOTCONN",
    run(world) {
      const { libos } = world;
      const qds = [socket(world), bound(world).qd, listening(world).qd];
      return list(qds.map((qd) => code(() => libos.pop(qd))));
    },
  },
  {
    id: "push/connecting",
    needs: ["stream"],
    rule: "A socket that connects is not connected yet.",
    pdpix: "ENOTCONN ENOTCONN",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      const answers = [refused(libos, (sga) => libos.push(qd, sga)), code(() => libos.pop(qd))];
      libos.close(qd);
      await ending(libos, qt);
      return list(answers);
    },
  },
  {
    id: "push/to",
    upstream: ["syscalls.c/pushto"],
    needs: ["stream"],
    rule: "A connection has one peer: an address for one push is refused, and the buffer stays.",
    pdpix: "ENOTSUP",
    compat: "the address is ignored",
    async run(world) {
      const { a } = await connected(world);
      const { address } = listening(world, world.peer);
      return refused(a.libos, (sga) => a.libos.pushTo(a.qd, sga, address));
    },
  },
];

/** As `code`, of a call with each of those that are no descriptor; throws what is no refusal. */
function codeAll(call: (qd: number) => unknown): void {
  const answers = new Set(NO_DESCRIPTORS.map((qd) => code(() => call(qd))));
  assertEquals([...answers], ["EBADF"]);
  call(NO_DESCRIPTORS[0]!);
}
