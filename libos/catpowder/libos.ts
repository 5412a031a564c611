/**
 * catpowder: PDPIX over the stack, on network interfaces of the kernel's.
 *
 * @module
 */

import { CaptureDevice } from "../devices/capture.ts";
import { type CatpowderOptions, checkCatpowder, type DeviceOptions } from "./options.ts";
import type { Device } from "../inetstack/device.ts";
import { DemikernelError } from "../error.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import { discard } from "../../ffi/libc/map.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { LinearMemory } from "../runtime/memory/linear_memory.ts";
import { PacketDevice } from "../devices/packet.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";
import { TapDevice } from "../devices/tap.ts";

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
  options: Partial<CatpowderOptions>,
): Catpowder {
  const { device: wanted, capture, ...host } = checkCatpowder(options);
  const linear = new LinearMemory({ discard });
  const device = openDevice(wanted, capture, linear);
  try {
    return new Catpowder({ ...shared, ...host, device, linear, discard, random: makeRandom() });
  } catch (error) {
    device.close();
    throw error instanceof LibcError ? new DemikernelError(error.errno, "open") : error;
  }
}

function openDevice(
  options: DeviceOptions,
  capture: string | undefined,
  linear: LinearMemory,
): Device {
  const device = options.kind === "tap"
    ? new TapDevice(options, linear)
    : new PacketDevice(options, linear);
  if (capture === undefined) return device;
  try {
    return new CaptureDevice(device, capture);
  } catch (error) {
    device.close();
    throw error;
  }
}

/** Randomness of all bits, as keys and sequence numbers need it. */
function makeRandom(): { next(): number } {
  const words = new Int32Array(256);
  let left = 0;
  return {
    next() {
      if (left === 0) {
        crypto.getRandomValues(words);
        left = words.length;
      }
      return words[--left]!;
    },
  };
}
