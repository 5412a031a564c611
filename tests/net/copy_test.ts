import { assertEquals, assertThrows } from "@std/assert";
import { copyToHeap } from "../../libos/net/copy.ts";
import { netTest } from "./_net.ts";

netTest("copyToHeap() holds no buffer when the bytes are not as many as they say", (libos) => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 1;
    }
  }
  assertThrows(() => copyToHeap(libos, new Liar(100_000)), RangeError);
  assertEquals(libos.statistics().buffers, 0);
  return Promise.resolve();
});
