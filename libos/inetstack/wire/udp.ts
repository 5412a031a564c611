/**
 * The header of UDP (RFC 768).
 *
 * @module
 */

/** Where the fields are. */
export const UDP = Object.freeze(
  {
    SOURCE_PORT: 0,
    DESTINATION_PORT: 2,
    LENGTH: 4,
    CHECKSUM: 6,
    /** Length of the header. */
    SIZE: 8,
  } as const,
);
