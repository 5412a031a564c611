/**
 * The devices by themselves, without a stack upon them.
 *
 * @module
 */

import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { addressOf } from "../../ffi/libc/memory.ts";
import type { Device } from "../../libos/inetstack/device.ts";
import { discard } from "../../ffi/libc/map.ts";
import { DemikernelError } from "../../mod.ts";
import { INTERFACE, KINDS, missingForLinks, OURS, PairLink } from "../_network/link.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { LinearMemory } from "../../libos/runtime/memory/linear_memory.ts";
import { needing } from "../_needs.ts";
import { PacketDevice } from "../../libos/devices/packet.ts";
import { replaced } from "../catnap/_faults.ts";
import { TapDevice } from "../../libos/devices/tap.ts";
import { XDP, XDP_OFFSETS, XDP_PGOFF, XDP_RING_NEED_WAKEUP } from "../../ffi/libc/xdp.ts";
import { XdpDevice } from "../../libos/devices/xdp/xdp.ts";

const missing = missingForLinks();

/** More looks than a device needs to notice what is not told to it. */
const LOOKS = 1000;

/** Milliseconds that a frame may take to be sent. */
const PATIENCE = 10_000;

const SINK = { frame: () => {} };

const NAME = `${INTERFACE}a`;

/** Opens a device of each kind, at one end of a link. */
const OPEN = {
  tap: (linear: LinearMemory) => new TapDevice({ kind: "tap", name: NAME }, linear),
  packet: (linear: LinearMemory) => new PacketDevice({ kind: "packet", interface: NAME }, linear),
  xdp: (linear: LinearMemory) =>
    new XdpDevice({ kind: "xdp", interface: NAME }, [IpAddress.parse(OURS.inet)!], linear),
};

function openXdp(link: PairLink): XdpDevice {
  return link.ports[0].host.call(() => OPEN.xdp(new LinearMemory({ discard })));
}

/** A memory that has room so often, and then no more. */
class ShortMemory extends LinearMemory {
  #times: number;

  constructor(times: number) {
    super({ discard });
    this.#times = times;
  }

  override reserve(length: number): Uint8Array<ArrayBuffer> {
    if (this.#times-- > 0) return super.reserve(length);
    throw new DemikernelError("ENOMEM", "open");
  }
}

for (const kind of KINDS) {
  Deno.test(
    needing(missing, `a device of ${kind} that finds no memory leaves nothing open`),
    () => {
      using link = new PairLink(kind);
      const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
      const before = count();
      let device: Device | undefined;
      for (let times = 0; device === undefined; times++) {
        try {
          device = link.ports[0].host.call(() => OPEN[kind](new ShortMemory(times)));
        } catch (error) {
          assertEquals((error as DemikernelError).code, "ENOMEM");
          assertEquals(count(), before);
        }
      }
      device.close();
      assertEquals(count(), before);
    },
  );
}

Deno.test(
  needing(missing, "receive() calls an XDP driver that found no frame to fill, if nothing comes"),
  () => {
    using link = new PairLink("xdp");
    let offset = 0;
    let fillAt = 0;
    let device: XdpDevice;
    {
      using _offsets = replaced("getsockopt", (real) => (...args) => {
        const result = real(...args);
        if (args[2] === XDP.MMAP_OFFSETS) {
          const view = new DataView((args[3] as Uint8Array).buffer);
          offset = Number(view.getBigUint64(XDP_OFFSETS.FILL + XDP_OFFSETS.FLAGS, true));
        }
        return result;
      });
      using _mapped = replaced("mmap", (real) => (...args) => {
        if (args[5] === BigInt(XDP_PGOFF.FILL_RING)) fillAt = Number(args[0]);
        return real(...args);
      });
      device = openXdp(link);
    }
    assertNotEquals(offset, 0);
    try {
      const { i32, u8 } = device.receiveMemory;
      const flags = (fillAt - addressOf(u8) + offset) >> 2;
      let calls = 0;
      using _counted = replaced("recv", (real) => (...args) => {
        calls++;
        return real(...args);
      });
      for (let i = 0; i < LOOKS; i++) device.receive(SINK, 1);
      assertEquals(calls, 0);
      // As a driver without copies does; that of a veth never.
      i32[flags]! |= XDP_RING_NEED_WAKEUP;
      for (let i = 0; i < LOOKS; i++) device.receive(SINK, 1);
      assertGreater(calls, 0);
    } finally {
      device.close();
    }
  },
);

Deno.test(
  needing(missing, "reserve() of an XDP device gives the same place again when others came free"),
  () => {
    using link = new PairLink("xdp");
    const device = openXdp(link);
    try {
      const { frames } = device.counters;
      device.reserve();
      device.commit(64);
      device.flush();
      const place = device.reserve();
      const until = performance.now() + PATIENCE;
      while (device.counters.freeFrames < frames && performance.now() < until);
      assertEquals(device.counters.freeFrames, frames);
      assertEquals(device.reserve(), place);
    } finally {
      device.close();
    }
  },
);
