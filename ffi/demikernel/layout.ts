/**
 * The layouts of the structs that cross, as data: offsets and sizes in bytes. All are packed, little-endian.
 *
 * There are two, and nothing in a library says which one it has; `start()` finds out. Up to the version of the
 * crate an sga has one segment; upstream's sources of 2025 have 19.
 *
 * @module
 */

import { SOCKADDR } from "../libc/sockaddr.ts";

/** Where things are in `demi_sgarray_t` and `demi_qresult_t`. */
export interface Layout {
  /** What it is called. */
  readonly name: "1.5.13" | "2025";
  /** How many segments an sga has at most. */
  readonly maxSegments: number;
  /** `demi_sgarray_t`: the segments, and where the data came from. */
  readonly sga: {
    /** What the library knows it by; not an address to use. */
    readonly buf: number;
    /** u32. */
    readonly numsegs: number;
    /** The first `demi_sgaseg_t`. */
    readonly segments: number;
    /** `struct sockaddr_in`. */
    readonly address: number;
    /** Of the whole. */
    readonly size: number;
  };
  /** `demi_sgaseg_t`. */
  readonly segment: {
    /** Address of the data, not aligned. */
    readonly buf: number;
    /** u32. */
    readonly length: number;
    /** Of the whole. */
    readonly size: number;
  };
  /** `demi_qresult_t`, which has to be aligned to 8 bytes. */
  readonly result: {
    /** u32, one of {@linkcode OPCODE}. */
    readonly opcode: number;
    /** i32. */
    readonly qd: number;
    /** u64. */
    readonly qt: number;
    /** i64: why it failed. */
    readonly ret: number;
    /** The sga of a pop. */
    readonly sga: number;
    /** i32: the queue of an accepted connection. */
    readonly acceptedQd: number;
    /** `struct sockaddr_in` of the peer of an accepted connection. */
    readonly acceptedAddress: number;
    /** Of the whole. */
    readonly size: number;
  };
}

function makeLayout(
  name: Layout["name"],
  sga: Layout["sga"],
  segment: Layout["segment"],
): Layout {
  const result = { opcode: 0, qd: 4, qt: 8, ret: 16, sga: 24, acceptedQd: 24, acceptedAddress: 28 };
  const maxSegments = (sga.address - sga.segments) / segment.size;
  return { name, maxSegments, sga, segment, result: { ...result, size: result.sga + sga.size } };
}

/** The known layouts. */
export const LAYOUTS: readonly Layout[] = [
  makeLayout(
    "1.5.13",
    { buf: 0, numsegs: 8, segments: 12, address: 24, size: 24 + SOCKADDR.IN.SIZE },
    { buf: 0, length: 8, size: 12 },
  ),
  makeLayout(
    "2025",
    // There is one buffer to a segment, so what the library knows it by has moved into the segments.
    { buf: 4, numsegs: 0, segments: 4, address: 384, size: 384 + SOCKADDR.IN.SIZE },
    { buf: 8, length: 16, size: 20 },
  ),
];

/** Room for an sga of any known layout. */
export const SGA_SIZE_MAX: number = Math.max(...LAYOUTS.map((layout) => layout.sga.size));

/** Room for `struct demi_args` of any known layout, the larger of which has 36 bytes. All zeros will do. */
export const ARGS_SIZE = 64;

/** `struct timespec`. */
export const TIMESPEC = { SECONDS: 0, NANOSECONDS: 8, SIZE: 16 } as const;

/** `struct linger`. */
export const LINGER = { ON: 0, SECONDS: 4, SIZE: 8 } as const;

/** What completed. */
export const OPCODE = {
  INVALID: 0,
  PUSH: 1,
  POP: 2,
  ACCEPT: 3,
  CONNECT: 4,
  CLOSE: 5,
  FAILED: 6,
} as const;
