/**
 * Opening a device, and a libOS on it.
 *
 * @module
 */

import { CaptureDevice } from "./capture.ts";
import type { CheckedDeviceLibOS, DeviceKind } from "./options.ts";
import type { Device } from "../inetstack/device.ts";
import { DemikernelError } from "../error.ts";
import type { InetOptions } from "../inetstack/queues/libos.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";

/**
 * Opens a device, under a capture where one is wanted, and makes a libOS on it, to which both belong from then on. What
 * fails leaves nothing open.
 */
export function openOnDevice<T>(
  shared: RuntimeOptions,
  { device: _, capture, ...host }: CheckedDeviceLibOS<DeviceKind>,
  open: () => Device,
  make: (options: InetOptions) => T,
): T {
  let device = open();
  try {
    if (capture !== undefined) device = new CaptureDevice(device, capture);
    return make({ ...shared, ...host, device, random: makeRandom() });
  } catch (error) {
    device.close();
    throw error instanceof LibcError ? new DemikernelError(error.errno, "open") : error;
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
