/**
 * The layout of `struct statx`, which is the same on every processor, `<linux/stat.h>`.
 *
 * @module
 */

/** Offsets and the size, in bytes. */
export const STATX = { MODE: 28, INODE: 32, DEVICE: 136, SIZE: 256 } as const;

/** Fields to ask for, as a mask. */
export const STATX_MASK = { TYPE: 0x1, INODE: 0x100 } as const;
