import "../../_preload.ts";
import process from "node:process";
import { assertEquals, assertLess } from "@std/assert";
import { failing } from "../../catnap/_faults.ts";
import { open } from "../../../libos/open.ts";
import { assertCode } from "../_assert.ts";

Deno.test("wait() sleeps although a wake-up of the sleep aside was not read yet", async () => {
  await using libos = open({ idle: "park" });
  const qd = libos.queue();
  const pop = libos.operations.pop(qd);
  const ended = Promise.resolve(pop).catch(() => {});
  // It is asleep by now, and the last one that keeps it so ends.
  await new Promise((resolve) => setTimeout(resolve, 20));
  pop.cancel();
  await ended;
  const waiting = libos.pop(qd);
  const before = cpu();
  assertCode("ETIMEDOUT", () => libos.wait(waiting, 300));
  // A loop would have taken all of it, sleeping takes next to nothing.
  assertLess(cpu() - before, 150);
  libos.close(qd);
});

/** Processor time of this process so far, in milliseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

Deno.test("open() leaves no descriptor behind when there are none left for its parker", async () => {
  await open().exit();
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = count();
  {
    using _ = failing("eventfd", ["EMFILE"]);
    assertCode("EMFILE", () => open());
  }
  assertEquals(count(), before);
});
