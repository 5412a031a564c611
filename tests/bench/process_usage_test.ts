import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import {
  cpuOf,
  memoryOf,
  parseStatTicks,
  parseStatusField,
} from "../../bench/_harness/process_usage.ts";

Deno.test("parseStatTicks() is not misled by the name of the program", () => {
  const stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 70 30 5 6 20 0 1 0 99";
  assertEquals(parseStatTicks(stat), 100);
});

Deno.test("parseStatusField() throws when the field is missing", () => {
  assertEquals(parseStatusField("VmRSS:\t  123 kB\nRssAnon:\t 7 kB\n", "RssAnon"), 7);
  assertThrows(() => parseStatusField("", "VmRSS"), Error, "Cannot read VmRSS");
});

Deno.test("memoryOf() and cpuOf() read this very process", async () => {
  const { resident, anonymous } = await memoryOf(Deno.pid);
  assertGreater(anonymous, 1024 * 1024);
  assertGreater(resident, anonymous);
  assertGreater(await cpuOf(Deno.pid), 0);
});
