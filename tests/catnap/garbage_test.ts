/**
 * Wrong arguments of every kind to every call: nothing but typed errors comes of them.
 *
 * @module
 */

import fc from "npm:fast-check@4.10.0";
import { open } from "../../libos/open.ts";
import { call, run } from "./_garbage.ts";

for (const debug of [false, true]) {
  Deno.test(`wrong arguments to any call give DemikernelErrors alone${debug ? ", in debug mode" : ""}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 20, maxLength: 60 }),
        (calls) =>
          run(
            [["socket", "inet", "stream"], ["socket", "inet", "dgram"], ...calls],
            open({ libos: "catnap", idle: "spin", debug }),
          ),
      ),
      { numRuns: 150 },
    );
  });
}
