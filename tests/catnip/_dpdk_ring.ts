/**
 * A port of DPDK whose frames come back to it, as a program, since EAL stays in its process: `_dpdk_ring.ts SCENE EAL…`.
 * Prints what a scene gives, as JSON.
 *
 * @module
 */

import { DpdkDevice } from "../../libos/devices/dpdk/dpdk.ts";
import { ETHERNET_HEADER } from "../../libos/inetstack/device.ts";
import { MBUF_LAYOUT } from "../../ffi/dpdk/dpdk.ts";
import { SHIFT } from "../../libos/devices/dpdk/pool.ts";

const [scene, ...eal] = Deno.args;

const SCENES: Readonly<Record<string, () => unknown[]>> = {
  mtus,
  refusals,
  wrongArguments,
  wrongCores,
  elsewhere,
  reserved,
};

/** Opens the port with several mtus; gives the lengths of the largest frames as they came back. */
function mtus(): number[] {
  const lengths: number[] = [];
  const sink = { frame: (_: number, length: number) => void lengths.push(length) };
  // To more, which takes another pool; to less, which does not; and with what it runs with already.
  for (const mtu of [1500, 9000, 1500, 1500]) {
    const device = new DpdkDevice({ kind: "dpdk", eal, mtu });
    device.reserve();
    device.commit(ETHERNET_HEADER + mtu);
    device.flush();
    device.receive(sink, 1);
    device.close();
  }
  return lengths;
}

/** Opens the port where that fails, early and late, and then where it works; gives why, and how many descriptors are left. */
function refusals(): unknown[] {
  const device = new DpdkDevice({ kind: "dpdk", eal });
  const before = descriptors();
  const busy = refused(eal);
  device.close();
  // The last thing that it needs of DPDK: where the functions of the driver are.
  const { create } = Deno.UnsafePointer;
  Deno.UnsafePointer.create = () => {
    throw new Error("no functions");
  };
  const late = refused(eal);
  Deno.UnsafePointer.create = create;
  const again = new DpdkDevice({ kind: "dpdk", eal });
  const left = descriptors() - before;
  again.close();
  return [busy, late, left];
}

/** Starts EAL with wrong arguments, twice, and then with right ones; gives what it says. */
function wrongArguments(): string[] {
  return [["--no-such-option"], ["--no-such-option"], eal].map(refused);
}

/** The same with arguments of which EAL keeps the cores. */
function wrongCores(): string[] {
  return [["-l", "0", "--no-such-option"], eal].map(refused);
}

/** Receives an mbuf whose buffer lies elsewhere; gives how many frames were dropped, and whether it is sent next. */
function elsewhere(): unknown[] {
  const device = new DpdkDevice({ kind: "dpdk", eal });
  const place = device.reserve();
  const mbuf = place - MBUF_LAYOUT.HEADROOM - SHIFT - MBUF_LAYOUT.SIZE;
  device.sendMemory.i32[(mbuf + MBUF_LAYOUT.BUFFER) >> 2]! += 64;
  device.commit(64);
  device.flush();
  device.receive({ frame: () => {} }, 1);
  const seen = [device.counters.receiveDrops, device.reserve() === place];
  device.close();
  return seen;
}

/** Receives while a place is reserved; gives whether it is reserved still, and how many buffers are missing. */
function reserved(): unknown[] {
  const device = new DpdkDevice({ kind: "dpdk", eal });
  device.reserve();
  device.commit(64);
  device.flush();
  const place = device.reserve();
  device.receive({ frame: () => {} }, 1);
  const { frames, freeFrames } = device.counters;
  const seen = [device.reserve() === place, frames - freeFrames];
  device.close();
  return seen;
}

/** Why it cannot be opened with some arguments; nothing if it can. */
function refused(eal: readonly string[]): string {
  try {
    new DpdkDevice({ kind: "dpdk", eal }).close();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

// On a line of its own, whatever EAL has printed by then.
console.log(`\n${JSON.stringify(SCENES[scene!]!())}`);
Deno.exit();
