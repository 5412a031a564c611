/**
 * catpowder: PDPIX over the stack, on network interfaces of the kernel's.
 *
 * @module
 */

import { checkDeviceLibOS, type DeviceLibOSOptions } from "../devices/options.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import { openOnDevice } from "../devices/open.ts";
import { PacketDevice } from "../devices/packet.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";
import { TapDevice } from "../devices/tap.ts";

const KINDS = ["tap", "packet"] as const;

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
  const { device } = checked;
  return openOnDevice(
    shared,
    checked,
    () => device.kind === "tap" ? new TapDevice(device) : new PacketDevice(device),
    (options) => new Catpowder(options),
  );
}
