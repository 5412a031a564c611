/**
 * What a memif device counts, and how its link is.
 *
 * @module
 */

import { FrameCounters } from "../counters.ts";

/** The counters of a device whose link comes and goes. */
export class LinkCounters extends FrameCounters {
  /** `up`, or why not. */
  link = "down: nobody connected yet";
  /** How often the link came up. */
  links = 0;
  /** How often there was no room in the ring for a frame to send. */
  fullRings = 0;
  /** How often a sleep was over. */
  wakeups = 0;
}
