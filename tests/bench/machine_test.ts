import { assertEquals } from "@std/assert";
import { chooseCores, parseCpuList } from "../../bench/_harness/machine.ts";

Deno.test("parseCpuList() reads ranges and single cores", () => {
  assertEquals(parseCpuList("0-2,5,8-9\n"), [0, 1, 2, 5, 8, 9]);
  assertEquals(parseCpuList(""), []);
});

Deno.test("chooseCores() avoids two hardware threads of one core", () => {
  const siblings = (cpu: number) => cpu < 2 ? [0, 1] : [2, 3];
  assertEquals(chooseCores([0, 1, 2, 3], siblings), { client: 0, server: 2 });
});

Deno.test("chooseCores() takes a sibling when there is nothing else", () => {
  assertEquals(chooseCores([4, 5], () => [4, 5]), { client: 4, server: 5 });
});

Deno.test("chooseCores() chooses nothing when there is one core", () => {
  assertEquals(chooseCores([3], () => [3]), undefined);
});
