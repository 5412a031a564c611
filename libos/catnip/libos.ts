/**
 * catnip: PDPIX over the stack, on devices that the kernel has nothing to do with.
 *
 * @module
 */

import {
  checkDeviceLibOS,
  type CheckedDeviceLibOS,
  type DeviceLibOSOptions,
  macOf,
} from "../devices/options.ts";
import type { Device } from "../inetstack/device.ts";
import { DpdkDevice } from "../devices/dpdk/dpdk.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import { checkMemif } from "../devices/memif/options.ts";
import type { LinearMemory } from "../runtime/memory/linear_memory.ts";
import { MemifDevice } from "../devices/memif/memif.ts";
import { openOnDevice } from "../devices/open.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";

const KINDS = ["memif", "dpdk"] as const;

/** See the module's description. */
export class Catnip extends InetLibOS {
  override readonly name = "catnip";

  /** Used by {@linkcode openCatnip}. */
  constructor(options: InetOptions) {
    super(options);
  }
}

/**
 * Opens the device and a host on it. Throws {@linkcode DemikernelError}: `EINVAL` for what is no device, address or route;
 * and, with what to do, `EADDRINUSE`, `EACCES` and `ENOENT` for the socket of a memif server; `ENODEV`,
 * `EBUSY` and `ENOMEM` for DPDK.
 */
export function openCatnip(shared: RuntimeOptions, options: Partial<DeviceLibOSOptions>): Catnip {
  const checked = checkDeviceLibOS("catnip", KINDS, options);
  return openOnDevice(
    shared,
    checked,
    (linear) => openDevice(checked, linear),
    (options) => new Catnip(options),
    checked.device.kind === "memif" ? checkMemif(checked.device).room : 0,
  );
}

function openDevice(
  { device, ...host }: CheckedDeviceLibOS<typeof KINDS[number]>,
  linear: LinearMemory,
): Device {
  return device.kind === "memif"
    ? new MemifDevice(device, macOf(host), linear)
    : new DpdkDevice(device);
}
