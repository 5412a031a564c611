/**
 * catpowder: PDPIX over the stack, on network interfaces of the kernel's.
 *
 * @module
 */

import {
  addressesOf,
  checkDeviceLibOS,
  type CheckedDeviceLibOS,
  type DeviceLibOSOptions,
} from "../devices/options.ts";
import type { Device } from "../inetstack/device.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import { openOnDevice } from "../devices/open.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import { PacketDevice } from "../devices/packet.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";
import { TapDevice } from "../devices/tap.ts";
import { XdpDevice } from "../devices/xdp/xdp.ts";

const KINDS = ["tap", "packet", "xdp"] as const;

/** See the module's description. */
export class Catpowder extends InetLibOS {
  override readonly name = "catpowder";

  /** Used by {@linkcode openCatpowder}. */
  constructor(options: InetOptions) {
    super(options);
  }
}

/**
 * Opens the device and a host on it. Throws {@linkcode DemikernelError}: `EINVAL` for what is no device, address or route;
 * and, with what to do, `ENODEV` and `ENETDOWN` for an interface that is not there or down, `EPERM` and `EACCES` for a
 * permission that is missing, `EBUSY` for a TAP device that another process has.
 */
export function openCatpowder(
  shared: RuntimeOptions,
  options: Partial<DeviceLibOSOptions>,
): Catpowder {
  const checked = checkDeviceLibOS("catpowder", KINDS, options);
  return openOnDevice(
    shared,
    checked,
    (linear) => openDevice(checked, linear),
    (options) => new Catpowder(options),
  );
}

function openDevice(
  { device, ...host }: CheckedDeviceLibOS<typeof KINDS[number]>,
  linear: LinearMemory,
): Device {
  switch (device.kind) {
    case "tap":
      return new TapDevice(device, linear);
    case "packet":
      return new PacketDevice(device, linear);
    case "xdp":
      return new XdpDevice(device, addressesOf(host), linear);
  }
}
