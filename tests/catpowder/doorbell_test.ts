/**
 * What wakes a libOS that sleeps, with a kernel that has no room to watch its device.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { addressOf } from "../../ffi/libc/memory.ts";
import { Doorbell } from "../../libos/devices/doorbell.ts";
import { EFD } from "../../ffi/libc/constants.ts";
import { failing } from "../catnap/_faults.ts";
import { libc } from "../../ffi/libc/load.ts";
import { needing } from "../_needs.ts";

const missing = Deno.build.os === "linux" ? undefined : "needs Linux";

/** Milliseconds that a short sleep may take, on a machine that is busy. */
const PATIENCE = 10_000;

/** Whether a sleep of so many milliseconds at most is ended by the doorbell. */
function rings({ fd }: Doorbell, timeout: number): boolean {
  const event = new Uint8Array(16);
  return libc().epoll_wait(fd, BigInt(addressOf(event)), 1, timeout) === 1;
}

Deno.test(
  needing(missing, "a sleep ends by itself when the kernel cannot watch the device"),
  () => {
    const { eventfd, close, write } = libc();
    const device = eventfd(0, EFD.NONBLOCK | EFD.CLOEXEC);
    const doorbell = new Doorbell(device);
    try {
      {
        using _ = failing("epoll_ctl", ["ENOSPC", "ENOMEM"]);
        for (let sleep = 0; sleep < 2; sleep++) {
          doorbell.arm();
          assertEquals(doorbell.armed, false);
          assertEquals(rings(doorbell, PATIENCE), true);
        }
      }
      // There is room again: it sleeps as ever, until something comes.
      doorbell.arm();
      assertEquals(doorbell.armed, true);
      assertEquals(rings(doorbell, 50), false);
      write(device, new Uint8Array(BigUint64Array.of(1n).buffer), 8n);
      assertEquals(rings(doorbell, PATIENCE), true);
      doorbell.disarm();
      assertEquals(rings(doorbell, 0), false);
    } finally {
      doorbell.close();
      close(device);
    }
  },
);
