/**
 * What a device counts.
 *
 * @module
 */

import type { DeviceCounters } from "../inetstack/device.ts";

/** The counters of a device that was just opened. */
export class FrameCounters implements DeviceCounters {
  received = 0;
  receivedBytes = 0;
  receiveDrops = 0;
  sent = 0;
  sentBytes = 0;
  sendDrops = 0;

  /** A frame is handed over. */
  countReceived(length: number): void {
    this.received++;
    this.receivedBytes += length;
  }

  /** A frame was committed. */
  countSent(length: number): void {
    this.sent++;
    this.sentBytes += length;
  }
}
