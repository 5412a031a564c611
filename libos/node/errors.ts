/**
 * Errors as Node's sockets have them.
 *
 * @module
 */

import type { SocketAddress } from "../pdpix.ts";

/** The system call that an error came from, in Node's words. */
export type Syscall = "connect" | "read" | "write" | "shutdown";

/** An error as `net.Socket` emits it. */
export interface NodeError extends Error {
  /** The name of the errno, such as `ECONNRESET`. */
  code: string;
  /** Its number, negative, as libuv has it. */
  errno: number;
  /** What failed. */
  syscall: Syscall;
  /** The host or the path, of a connect that failed. */
  address?: string;
  /** The port, of a connect that failed. */
  port?: number;
}

/**
 * The error of Node for one of a connection, which is its `cause`: libraries look at `code` and `syscall`. What has no
 * errno, such as the reason of a signal, is given back as it is.
 */
export function toNodeError(error: unknown, syscall: Syscall, address?: SocketAddress): Error {
  const { code, errno } = errnoOf(error);
  if (code === undefined || errno === undefined) {
    return error instanceof Error ? error : new Error(String(error), { cause: error });
  }
  const where = address === undefined ? "" : ` ${formatAddress(address)}`;
  const converted: NodeError = Object.assign(
    new Error(`${syscall} ${code}${where}`, { cause: error }),
    { code, errno: -errno, syscall },
  );
  if (address !== undefined) {
    converted.address = "path" in address ? address.path : address.hostname;
    if ("port" in address) converted.port = address.port;
  }
  return converted;
}

/** An error of Deno has that of PDPIX as its cause. */
function errnoOf(error: unknown): { code?: string; errno?: number } {
  const { errno, code, cause } = (error ?? {}) as {
    errno?: number;
    code?: string;
    cause?: unknown;
  };
  if (errno !== undefined && code !== undefined) return { errno, code };
  return cause === undefined ? {} : errnoOf(cause);
}

function formatAddress(address: SocketAddress): string {
  return "path" in address ? address.path : `${address.hostname}:${address.port}`;
}
