import { SUITE } from "/tmp/w/h6/tests/contract/suite.ts";
import { SIM } from "/tmp/w/h6/tests/contract/subjects_sim.ts";
import { runCase } from "/tmp/w/h6/tests/contract/run_case.ts";
const [name, only] = Deno.args;
const subject = SIM.find((s) => s.name === name)!;
let n = 0, bad = 0;
for (const one of SUITE) { if (only && !one.id.startsWith(only)) continue;
  const t = performance.now(); if (only||Deno.env.get("V")) console.log(one.id);
  const r = await runCase(one, subject);
  if (r.verdict === "pass") n++;
  if (r.verdict === "fail") { bad++; console.log(r.id, r.why.slice(0, 400)); }
  if (performance.now() - t > 1000) console.log("slow", one.id, performance.now() - t);
}
console.log(n, "passed", bad, "failed");
