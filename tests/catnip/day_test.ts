import { day } from "./day.ts";
import { missingForLinks } from "../_network/link.ts";
import { needing } from "../_needs.ts";

const noLinux = Deno.build.os === "linux" ? undefined : "needs Linux";

for (const [kind, why] of [["memif", noLinux], ["xdp", missingForLinks()]] as const) {
  Deno.test({
    ...needing(why, `${kind} is as before when its other end was killed, stopped and cut off`),
    fn: () => day(kind, 3),
  });
}
