/**
 * Two libOSes on one kind of device, one of which sends to the other: prints which calls of the datapath were V8's fast
 * ones. `_turbocalls.ts KIND`, with `DENO_UNSTABLE_FFI_TRACE_TURBO` in the environment.
 *
 * @module
 */

import { type Kind, openAt, OURS, PairLink, THEIRS } from "../_network/link.ts";

/** What Deno's own tests look at. */
const { getTurbocallTarget } = Deno[
  (Deno as unknown as { internal: keyof typeof Deno }).internal
] as unknown as { getTurbocallTarget(): string | null };

/** Many enough for the optimising compiler. */
const PUSHES = 40_000;

const link = new PairLink(Deno.args[0] as Kind);
const [a, b] = [openAt(link.ports[0], OURS), openAt(link.ports[1], THEIRS)];
const listener = b.socket("inet", "stream");
b.bind(listener, { hostname: THEIRS.inet, port: 7 });
b.listen(listener);
const from = a.socket("inet", "stream");
const accepting = b.accept(listener);
a.wait(a.connect(from, { hostname: THEIRS.inet, port: 7 }));
const accepted = b.wait(accepting);
if (accepted.opcode !== "accept") throw new Error(accepted.opcode);

const seen = new Set<string>();
for (let i = 0; i < PUSHES; i++) {
  // Now and then more than fits in one frame.
  const size = i % 10 === 0 ? 6000 : 64;
  const push = a.push(from, a.alloc(size));
  seen.add(String(getTurbocallTarget()));
  for (let left = size; left > 0;) {
    const popped = b.wait(b.pop(accepted.accepted));
    if (popped.opcode !== "pop" || popped.sga === null) throw new Error(popped.opcode);
    left -= popped.sga.length;
    popped.sga.free();
  }
  a.wait(push);
}
console.log([...seen].join(" "));
Deno.exit();
