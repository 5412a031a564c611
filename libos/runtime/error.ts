/**
 * The errors of PDPIX: an errno with the call and the queue that it came from.
 *
 * @module
 */

/**
 * The errnos that a libOS answers with, by name: number (the generic numbers of Linux, which x86-64 and
 * aarch64 share) and meaning. They are the same on every system, whatever its own numbers are.
 */
const TABLE = {
  EPERM: [1, "operation not permitted"],
  ENOENT: [2, "no such file or directory"],
  EINTR: [4, "interrupted"],
  EIO: [5, "input/output error"],
  EBADF: [9, "not an open queue"],
  EAGAIN: [11, "would block"],
  ENOMEM: [12, "out of memory"],
  EACCES: [13, "permission denied"],
  EFAULT: [14, "bad address"],
  EBUSY: [16, "busy"],
  EEXIST: [17, "already exists"],
  ENODEV: [19, "no such device"],
  ENOTDIR: [20, "not a directory"],
  EINVAL: [22, "invalid argument"],
  ENFILE: [23, "too many open files in the system"],
  EMFILE: [24, "too many open files"],
  ENOSPC: [28, "no space left"],
  EROFS: [30, "read-only file system"],
  EPIPE: [32, "the write side is closed"],
  ENAMETOOLONG: [36, "name too long"],
  ENOSYS: [38, "not implemented"],
  ENOTSOCK: [88, "not a socket"],
  EDESTADDRREQ: [89, "no address"],
  EMSGSIZE: [90, "message too long"],
  EPROTOTYPE: [91, "wrong protocol for the socket"],
  ENOPROTOOPT: [92, "no such option"],
  EPROTONOSUPPORT: [93, "protocol not supported"],
  ENOTSUP: [95, "not supported"],
  EAFNOSUPPORT: [97, "address family not supported"],
  EADDRINUSE: [98, "address in use"],
  EADDRNOTAVAIL: [99, "address not available"],
  ENETDOWN: [100, "network down"],
  ENETUNREACH: [101, "network unreachable"],
  ECONNABORTED: [103, "connection aborted"],
  ECONNRESET: [104, "connection reset by peer"],
  ENOBUFS: [105, "no buffer space"],
  EISCONN: [106, "already connected"],
  ENOTCONN: [107, "not connected"],
  ETIMEDOUT: [110, "timed out"],
  ECONNREFUSED: [111, "connection refused"],
  EHOSTUNREACH: [113, "host unreachable"],
  EALREADY: [114, "already in progress"],
  EINPROGRESS: [115, "in progress"],
  ECANCELED: [125, "canceled"],
} as const satisfies Record<string, readonly [number, string]>;

/** The name of an errno. */
export type ErrnoName = keyof typeof TABLE;

/** The errnos by name. */
export const Errno: { readonly [K in ErrnoName]: number } = Object.freeze(
  Object.fromEntries(Object.entries(TABLE).map(([name, [number]]) => [name, number])),
) as { readonly [K in ErrnoName]: number };

const BY_NUMBER = new Map<number, readonly [string, string]>(
  Object.entries(TABLE).map(([name, [number, message]]) => [number, [name, message]]),
);

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
    const [code, meaning] = BY_NUMBER.get(number) ?? [`E${number}`, "unknown error"];
    const where = options.qd === undefined ? code : `${code}, qd ${options.qd}`;
    super(`Cannot ${operation}: ${options.detail ?? meaning} (${where})`, options);
    this.code = code;
    this.errno = number;
    this.operation = operation;
    this.qd = options.qd;
  }
}
