import { assertEquals, assertThrows } from "@std/assert";
import { assertSpyCalls, stub } from "@std/testing/mock";
import { assertSnapshot } from "@std/testing/snapshot";
import { BenchmarkError, parseCommandLine } from "../../bench/_harness/command_line.ts";

const program = {
  name: "x.ts",
  summary: "Measures nothing.",
  options: {
    rounds: { default: 3, description: "Rounds" },
    warmup: { default: 10, minimum: 0, description: "Warm-up" },
    idle: { default: "park", choices: ["spin", "park"], description: "Policy" },
    out: { default: "", form: "DIR", description: "Where to write" },
  },
} as const;

Deno.test("parseCommandLine() fills in the defaults and gives the whole command", () => {
  assertEquals(parseCommandLine(program, ["--rounds", "5"]), {
    rounds: 5,
    warmup: 10,
    idle: "park",
    out: "",
    json: false,
    command: "deno run -A bench/x.ts --rounds 5 --warmup 10 --idle park",
  });
});

Deno.test("parseCommandLine() prints every option when help is asked for", async (t) => {
  using log = stub(console, "log", () => {});
  assertEquals(parseCommandLine(program, ["--help"]), undefined);
  assertSpyCalls(log, 1);
  await assertSnapshot(t, log.calls[0]!.args[0]);
});

Deno.test("parseCommandLine() takes 0 where the minimum allows it", () => {
  assertEquals(parseCommandLine(program, ["--warmup", "0"])?.warmup, 0);
});

Deno.test("parseCommandLine() takes any text where an option has a form", () => {
  const values = parseCommandLine(program, ["--out", "some/where"]);
  assertEquals(values?.out, "some/where");
  assertEquals(values?.command.endsWith(" --out some/where"), true);
});

for (
  const [args, message] of [
    [["--nonsense"], "Unknown option '--nonsense'"],
    [["stray"], "stray"],
    [["--rounds", "0"], "takes a whole number from 1"],
    [["--rounds", "1e3"], "takes a whole number from 1"],
    [["--rounds", "-1"], "--rounds"],
    [["--idle", "never"], "takes spin or park"],
    [["--out", ""], "takes DIR, not nothing"],
    [["--rounds"], "--rounds"],
  ] as const
) {
  Deno.test(`parseCommandLine() refuses ${args.join(" ")} in one line`, () => {
    const error = assertThrows(() => parseCommandLine(program, args), BenchmarkError, message);
    assertEquals((error as Error).message.includes("\n"), false);
  });
}
