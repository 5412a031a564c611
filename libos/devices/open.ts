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
import { discard } from "../../ffi/libc/map.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { LinearMemory } from "../runtime/memory/linear_memory.ts";
import type { RuntimeOptions } from "../runtime/libos.ts";

/**
 * Opens a device, in a linear memory that has so much more room for it, under a capture where one is wanted; and makes a
 * libOS on it, to which all of it belongs from then on. What fails leaves nothing open.
 */
export function openOnDevice<T>(
  shared: RuntimeOptions,
  { device: _, capture, ...host }: CheckedDeviceLibOS<DeviceKind>,
  open: (linear: LinearMemory) => Device,
  make: (options: InetOptions) => T,
  room: number = 0,
): T {
  const linear = new LinearMemory({ discard, room });
  let device: Device | undefined;
  try {
    device = open(linear);
    if (capture !== undefined) device = new CaptureDevice(device, capture);
    return make({ ...shared, ...host, device, linear, discard, random: makeRandom() });
  } catch (error) {
    device?.close();
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
