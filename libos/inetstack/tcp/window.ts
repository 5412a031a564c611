/**
 * The window that is offered to the peer (RFC 9293, section 3.8.6): what there is room for, told in steps that are worth
 * it (section 3.8.6.2.2), and never less than was told before.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { ahead, later } from "./sequence.ts";
import { MOST_SCALE } from "../wire/tcp.ts";

/** The largest window that is told without a scale. */
const MOST_UNSCALED = 65_535;
/** The scale lets a buffer grow later on, to 8 MiB; the price is that a window is told in units of 128 bytes. */
const LEAST_SCALE = 7;

/** The scale to ask for, for a buffer of a size (RFC 7323, section 2.2). */
export function scaleFor(limit: number): number {
  let scale = LEAST_SCALE;
  while (limit > MOST_UNSCALED * 2 ** scale && scale < MOST_SCALE) scale++;
  return scale;
}

/** The right edge of the window if all room were offered. */
function freeEdge(connection: Connection): number {
  const { rcvNxt, receiveLimit, receiveBuffer } = connection;
  if (!receiveBuffer.mayGrow) return rcvNxt;
  return (rcvNxt + Math.max(0, receiveLimit - receiveBuffer.available)) | 0;
}

/** How much more the peer would be told of, and whether that is worth telling. */
function isWorth(connection: Connection, gain: number): boolean {
  return gain >= Math.min(connection.receiveLimit >> 1, connection.rcvMss);
}

/** Whether the peer, who may wait for it, has to be told of a larger window. */
export function windowOpened(connection: Connection): boolean {
  // As long as a lot is left, the next acknowledgment will do.
  if (connection.rcvWnd >= connection.receiveLimit >> 1) return false;
  const gain = ahead(freeEdge(connection), connection.rcvAdv);
  return gain >= connection.receiveLimit >> 1 ||
    (connection.rcvWnd < connection.rcvMss && isWorth(connection, gain));
}

/**
 * The window to tell now: the 16 bits of the header. What is offered by it is taken whenever it comes; as the scale rounds
 * down, what is told later may be less by a part of a unit (RFC 7323, section 2.4).
 */
export function offerWindow(connection: Connection): number {
  const { rcvNxt, rcvAdv, rcvScale } = connection;
  let room = ahead(rcvAdv, rcvNxt);
  const gain = ahead(freeEdge(connection), rcvAdv);
  if (isWorth(connection, gain)) room += gain;
  const window = Math.min(room >> rcvScale, MOST_UNSCALED);
  connection.rcvAdv = later(rcvAdv, (rcvNxt + (window << rcvScale)) | 0);
  return window;
}
