/**
 * Wrong arguments of every kind to every call, on a libOS over the own stack.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.0";
import { call, run } from "../catnap/_garbage.ts";
import { simulate } from "../../libos/sim/network.ts";

Deno.test("wrong arguments to any call give DemikernelErrors alone, over the own stack", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(call, { minLength: 20, maxLength: 60 }),
      async (calls) => {
        const network = simulate({ seed: 1, check: true });
        const libos = network.host({ addresses: ["10.0.0.1/24", "fd00::1/64"] });
        await run([["socket", "inet", "stream"], ["socket", "inet6", "dgram"], ...calls], libos);
      },
    ),
    { numRuns: 100 },
  );
});
