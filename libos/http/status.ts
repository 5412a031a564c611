/**
 * The first lines of answers.
 *
 * @module
 */

import { STATUS_CODES } from "node:http";

/** By status; they tell the second, so that they are good for one. */
const heads: string[] = [];
let date = "";
let stale = 0;

/** The status line and the date (RFC 9110, section 6.6.1), as the beginning of a head. */
export function headOf(status: number): string {
  const now = Date.now();
  if (now >= stale) renew(now);
  return heads[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\ndate: ${date}\r\n`;
}

function renew(now: number): void {
  heads.length = 0;
  stale = now - now % 1000 + 1000;
  date = new Date(now).toUTCString();
}
