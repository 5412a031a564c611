/**
 * The errors of PDPIX: an errno with the call and the queue that it came from.
 *
 * @module
 */

/**
 * The errnos that a libOS answers with, by name. They are the generic numbers of Linux, which x86-64 and
 * aarch64 share, and the same on every system, whatever its own numbers are.
 */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ELOOP: 40,
  EPROTO: 71,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ENOTSUP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ECANCELED: 125,
} as const;

/** The name of an errno. */
export type ErrnoName = keyof typeof Errno;

const MEANINGS: Record<ErrnoName, string> = {
  EPERM: "operation not permitted",
  ENOENT: "no such file or directory",
  EINTR: "interrupted",
  EIO: "input/output error",
  EBADF: "not an open queue",
  EAGAIN: "would block",
  ENOMEM: "out of memory",
  EACCES: "permission denied",
  EFAULT: "bad address",
  EBUSY: "busy",
  EEXIST: "already exists",
  ENODEV: "no such device",
  ENOTDIR: "not a directory",
  EINVAL: "invalid argument",
  ENFILE: "too many open files in the system",
  EMFILE: "too many open files",
  ENOSPC: "no space left",
  EROFS: "read-only file system",
  EPIPE: "the write side is closed",
  ENAMETOOLONG: "name too long",
  ENOSYS: "not implemented",
  ELOOP: "too many symbolic links",
  EPROTO: "protocol error",
  ENOTSOCK: "not a socket",
  EDESTADDRREQ: "no address",
  EMSGSIZE: "message too long",
  EPROTOTYPE: "wrong protocol for the socket",
  ENOPROTOOPT: "no such option",
  EPROTONOSUPPORT: "protocol not supported",
  ENOTSUP: "not supported",
  EAFNOSUPPORT: "address family not supported",
  EADDRINUSE: "address in use",
  EADDRNOTAVAIL: "address not available",
  ENETDOWN: "network down",
  ENETUNREACH: "network unreachable",
  ENETRESET: "connection reset by network",
  ECONNABORTED: "connection aborted",
  ECONNRESET: "connection reset by peer",
  ENOBUFS: "no buffer space",
  EISCONN: "already connected",
  ENOTCONN: "not connected",
  ETIMEDOUT: "timed out",
  ECONNREFUSED: "connection refused",
  EHOSTDOWN: "host is down",
  EHOSTUNREACH: "host unreachable",
  EALREADY: "already in progress",
  EINPROGRESS: "in progress",
  ECANCELED: "canceled",
};

const NAMES = new Map<number, ErrnoName>(
  Object.entries(Errno).map(([name, number]) => [number, name as ErrnoName]),
);

/** A value from outside, as errors show it: short, and on one line. */
export function inspect(value: unknown): string {
  const options = { depth: 1, breakLength: Infinity, iterableLimit: 8, strAbbreviateSize: 64 };
  const text = Deno.inspect(value, options).replace(/\s*\n\s*/g, " ");
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}

/** How many characters of a value errors show. */
const LONGEST_VALUE = 200;

/** Checks a timeout in milliseconds. Throws {@linkcode DemikernelError} `EINVAL`. */
export function checkTimeout(timeout: number): number {
  if (typeof timeout === "number" && timeout >= 0) return timeout;
  throw new DemikernelError("EINVAL", "wait", {
    detail: `a timeout must be zero or more milliseconds, not ${inspect(timeout)}`,
  });
}

/** Where an error came from. */
export interface DemikernelErrorOptions extends ErrorOptions {
  /** The queue descriptor. */
  readonly qd?: number | undefined;
  /** What was tried, on what, and what to do; the meaning of the errno by default. */
  readonly detail?: string;
}

/**
 * An error of a PDPIX call.
 *
 * @example Tell errors apart by code
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DemikernelError } from "@demikernel/deno";
 *
 * const error = new DemikernelError("ECONNREFUSED", "connect", { qd: 3 });
 * assertEquals(error.code, "ECONNREFUSED");
 * assertEquals(error.message, "Cannot connect: connection refused (ECONNREFUSED, qd 3)");
 * ```
 */
export class DemikernelError extends Error {
  /** `DemikernelError`. */
  override readonly name = "DemikernelError";
  /** The name of the errno, such as `ECONNREFUSED`. */
  readonly code: string;
  /** Its number on Linux. */
  readonly errno: number;
  /** The call that failed, such as `connect`. */
  readonly operation: string;
  /** The queue it was on, if any. */
  readonly qd: number | undefined;

  /** Makes an error of an errno, by name or number, and the call that failed. */
  constructor(errno: ErrnoName | number, operation: string, options: DemikernelErrorOptions = {}) {
    const number = typeof errno === "number" ? errno : Errno[errno];
    const name = NAMES.get(number);
    const code = name ?? `E${number}`;
    const detail = options.detail ?? (name === undefined ? "unknown error" : MEANINGS[name]);
    const where = options.qd === undefined ? code : `${code}, qd ${inspect(options.qd)}`;
    super(`Cannot ${operation}: ${detail} (${where})`, options);
    this.code = code;
    this.errno = number;
    this.operation = operation;
    this.qd = options.qd;
  }
}
