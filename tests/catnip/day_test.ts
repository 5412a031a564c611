import { day } from "./day.ts";
import { missingForLinks } from "../_network/link.ts";
import { needing } from "../_needs.ts";

const missing = missingForLinks();

for (const [kind, why] of [["memif", undefined], ["xdp", missing]] as const) {
  Deno.test({
    ...needing(why, `${kind} is as before when its other end was killed, stopped and cut off`),
    ...(Deno.build.os !== "linux" && { ignore: true }),
    fn: () => day(kind, 3),
  });
}
