/**
 * The XDP device by itself, without a stack upon it.
 *
 * @module
 */

import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { addressOf } from "../../ffi/libc/memory.ts";
import { discard } from "../../ffi/libc/map.ts";
import { INTERFACE, missingForLinks, OURS, PairLink } from "../_network/link.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { LinearMemory } from "../../libos/runtime/memory/linear_memory.ts";
import { needing } from "../_needs.ts";
import { replaced } from "../catnap/_faults.ts";
import { XDP, XDP_OFFSETS, XDP_PGOFF, XDP_RING_NEED_WAKEUP } from "../../ffi/libc/xdp.ts";
import { XdpDevice } from "../../libos/devices/xdp/xdp.ts";

const missing = missingForLinks();

/** More looks than a device needs to notice what is not told to it. */
const LOOKS = 1000;

/** Milliseconds that a frame may take to be sent. */
const PATIENCE = 10_000;

const SINK = { frame: () => {} };

/** Opens a device at one end of a link. */
function openDevice(link: PairLink): XdpDevice {
  const options = { kind: "xdp", interface: `${INTERFACE}a` } as const;
  const addresses = [IpAddress.parse(OURS.inet)!];
  return link.ports[0].host.call(() =>
    new XdpDevice(options, addresses, new LinearMemory({ discard }))
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
      device = openDevice(link);
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
    const device = openDevice(link);
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
