/**
 * catnip: PDPIX over the stack, on devices that the kernel has nothing to do with.
 *
 * @module
 */

import { checkDeviceLibOS, type DeviceLibOSOptions, macOf } from "../devices/options.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import { MemifDevice } from "../devices/memif/memif.ts";
import { openOnDevice } from "../devices/open.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";

const KINDS = ["memif"] as const;

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
 * and, with what to do, `EADDRINUSE`, `EACCES` and `ENOENT` for the socket of a memif server.
 */
export function openCatnip(shared: RuntimeOptions, options: Partial<DeviceLibOSOptions>): Catnip {
  const checked = checkDeviceLibOS("catnip", KINDS, options);
  return openOnDevice(
    shared,
    checked,
    () => new MemifDevice(checked.device, macOf(checked)),
    (options) => new Catnip(options),
  );
}
