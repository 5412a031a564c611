/**
 * Arguments of types that the compiler would refuse: they get errors of PDPIX, too.
 *
 * @module
 */

import { codes, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { message } from "../end.ts";
import type { Coroutine, QToken, QueueDescriptor } from "../../../libos/pdpix.ts";

/** Names that JavaScript's own objects have. */
const DESCRIPTORS = ["length", "map", "constructor", "__proto__", {}, true] as QueueDescriptor[];
const TOKENS = ["length", {}, [], true, 1n, 0xffffffffffffffffn] as QToken[];
const SIZES = [null, undefined, {}, true, "64", ["64"], [null]] as number[];

/** See the module's description. */
export const ARGUMENTS: readonly Case[] = [
  {
    id: "arguments/descriptor",
    needs: [],
    rule: "What is no number is no descriptor.",
    pdpix: "EBADF EBADF EBADF EBADF",
    run({ libos }) {
      using sga = message(libos, "stays");
      const calls = [
        (qd: QueueDescriptor) => libos.pop(qd),
        (qd: QueueDescriptor) => libos.push(qd, sga),
        (qd: QueueDescriptor) => libos.getsockname(qd),
        (qd: QueueDescriptor) => libos.close(qd),
      ];
      return list(calls.map((call) => codes(DESCRIPTORS, call)));
    },
  },
  {
    id: "arguments/token",
    needs: [],
    rule: "What is no number is no token; a bigint, which upstream's are, is none either.",
    pdpix: "EINVAL EINVAL EINVAL EINVAL EINVAL",
    run({ libos }) {
      const calls = [
        (qt: QToken) => libos.wait(qt, 0),
        (qt: QToken) => libos.waitAny([qt], 0),
        (qt: QToken) => libos.waitAll([qt], 0),
        (qt: QToken) => libos.cancel(qt),
        (qt: QToken) => libos.operation(qt),
      ];
      return list(calls.map((call) => codes(TOKENS, call)));
    },
  },
  {
    id: "arguments/size",
    needs: [],
    rule: "What is no number is no size, and takes nothing.",
    pdpix: "EINVAL 0",
    run: ({ libos }) =>
      list([codes(SIZES, (size) => libos.alloc(size)), String(libos.statistics().buffers)]),
  },
  {
    id: "arguments/coroutine",
    needs: [],
    rule: "What is no coroutine is refused by spawn, and not run: an async generator is none.",
    pdpix: "EINVAL not run",
    compat: "there are tokens alone",
    run({ libos }) {
      let ran = "not run";
      const asyncGenerator = (async function* () {
        ran = "ran";
        yield await Promise.resolve();
      })();
      const values = [
        null,
        undefined,
        1,
        "next",
        {},
        [],
        () => {},
        Promise.resolve(),
        asyncGenerator,
      ];
      return list([codes(values, (value) => libos.spawn(value as unknown as Coroutine)), ran]);
    },
  },
  {
    id: "arguments/operations",
    needs: [],
    rule: "Operations are refused as tokens are: at the call.",
    pdpix: "EBADF EBADF EINVAL",
    run: ({ libos }) =>
      list([
        codes(NO_DESCRIPTORS, (qd) => libos.operations.pop(qd)),
        codes(NO_DESCRIPTORS, (qd) => libos.operations.accept(qd)),
        codes([-1, NaN], (milliseconds) => libos.operations.sleep(milliseconds)),
      ]),
  },
];
