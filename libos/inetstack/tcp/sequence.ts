/**
 * Comparing sequence numbers, which wrap around (RFC 9293, section 3.4): as the sign of their difference.
 *
 * They are signed 32-bit integers here, since V8 would keep unsigned ones above 2³¹ as doubles on its heap. Everything that
 * compares them goes through this.
 *
 * @module
 */

/** How far `a` is ahead of `b`; negative if it is behind. */
export function ahead(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether `a` comes before `b`. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** The one that comes later. */
export function later(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? b : a;
}

/** Whether `seq` is ahead of `from`, and not beyond `most`: one of long ago seems to be ahead again. */
export function isUnderWay(seq: number, from: number, most: number): boolean {
  return before(from, seq) && !before(most, seq);
}
