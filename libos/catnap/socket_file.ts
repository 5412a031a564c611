/**
 * The file that a Unix socket is bound to. The kernel makes it and leaves it behind; here it goes with its socket.
 *
 * @module
 */

import { AF, AT, S, SOCK } from "../../ffi/libc/constants.ts";
import type { Libc } from "../../ffi/libc/load.ts";
import { errno } from "../../ffi/libc/memory.ts";
import { SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { STATX, STATX_MASK } from "../../ffi/libc/statx.ts";
import { DemikernelError, Errno, inspect } from "../error.ts";
import { readAddress } from "../runtime/socket_address.ts";
import { getOption, type OptionSocket } from "./options.ts";
import type { UnixAddress } from "../pdpix.ts";

/** See the module's description. */
export class SocketFile {
  readonly #libc: Libc;
  readonly #path: Uint8Array<ArrayBuffer>;
  readonly #identity: string | null;

  /** Remembers which file is at a path, which ends in NUL; whatever the working directory will be later. */
  constructor(libc: Libc, path: Uint8Array<ArrayBuffer>) {
    this.#libc = libc;
    this.#path = path[0] === SLASH ? path : absolute(libc, path);
    this.#identity = lookUp(libc, this.#path)?.identity ?? null;
  }

  /** Removes it, if it is the same still: its number is nobody else's as long as the socket is open. */
  remove(): void {
    if (this.#identity === null) return;
    if (lookUp(this.#libc, this.#path)?.identity === this.#identity) this.#libc.unlink(this.#path);
  }
}

/**
 * Binds a Unix socket. Gives its file, or null for an abstract name, which has none.
 *
 * @throws {DemikernelError} As the kernel says; `EADDRINUSE` tells what is in the way.
 */
export function bindUnix(socket: OptionSocket, layout: Uint8Array<ArrayBuffer>): SocketFile | null {
  const { libc, qd } = socket;
  const path = layout.slice(SOCKADDR.UN.PATH);
  const abstract = path[0] === 0;
  let error = tryBind(socket, layout);
  if (error === Errno.EADDRINUSE && !abstract) {
    makeRoom(socket, layout, path);
    error = tryBind(socket, layout);
  }
  if (error !== 0) throw new DemikernelError(error, "bind", { qd });
  return abstract ? null : new SocketFile(libc, path);
}

function tryBind({ libc, fd }: OptionSocket, layout: Uint8Array<ArrayBuffer>): number {
  return libc.bind(fd, layout, layout.length) < 0 ? errno() : 0;
}

/**
 * Removes the file of a socket that is gone, if the option `reuseAddress` is set. Two that do so at the same moment may
 * both bind, and one has no file then.
 */
function makeRoom(
  socket: OptionSocket,
  layout: Uint8Array<ArrayBuffer>,
  path: Uint8Array<ArrayBuffer>,
): void {
  const { libc, qd } = socket;
  const fail = (errno: number, detail: string) =>
    new DemikernelError(errno, "bind", { qd, detail });
  const file = lookUp(libc, path);
  // It is gone by now.
  if (file === null) return;
  const name = inspect((readAddress(layout) as UnixAddress).path);
  if (!file.isSocket) throw fail(Errno.EADDRINUSE, `the file ${name} is there, and is no socket`);
  const owner = hasOwner(libc, layout);
  if (owner === "unknown") {
    throw fail(Errno.EADDRINUSE, `whether somebody is bound to ${name} cannot be told`);
  }
  if (owner === "yes") throw fail(Errno.EADDRINUSE, `somebody is bound to ${name}`);
  if (getOption(socket, "reuseAddress") !== true) {
    throw fail(
      Errno.EADDRINUSE,
      `the file ${name} is there, and nobody listens; ` +
        `set the option "reuseAddress" to replace it, or remove it`,
    );
  }
  if (libc.unlink(path) < 0) throw fail(errno(), `the file ${name} cannot be removed`);
}

const SLASH = 0x2f;
/** The longest path that Linux takes, in bytes. */
const PATH_MAX = 4096;

/** A relative path after the working directory; the path as it is if that cannot be told. */
function absolute(libc: Libc, path: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const directory = new Uint8Array(PATH_MAX);
  const link = new TextEncoder().encode("/proc/self/cwd\0");
  const length = libc.readlink(link, directory, BigInt(directory.length));
  if (length < 0) return path;
  return Uint8Array.of(...directory.subarray(0, length), SLASH, ...path);
}

/** Whether the file of a socket is at the path of a layout, and nobody is bound to it any more. */
export function isStale(libc: Libc, layout: Uint8Array<ArrayBuffer>): boolean {
  const file = lookUp(libc, layout.slice(SOCKADDR.UN.PATH));
  return file !== null && file.isSocket && hasOwner(libc, layout) === "no";
}

/** What is at a path, links not followed; null if there is nothing, or nothing to be seen. */
function lookUp(
  libc: Libc,
  path: Uint8Array<ArrayBuffer>,
): { readonly identity: string; readonly isSocket: boolean } | null {
  const bytes = new Uint8Array(STATX.SIZE);
  const mask = STATX_MASK.TYPE | STATX_MASK.INODE;
  if (libc.statx(AT.FDCWD, path, AT.SYMLINK_NOFOLLOW, mask, bytes) < 0) return null;
  const view = new DataView(bytes.buffer);
  return {
    identity: `${view.getBigUint64(STATX.INODE, true)} ${view.getBigUint64(STATX.DEVICE, true)}`,
    isSocket: (view.getUint16(STATX.MODE, true) & S.IFMT) === S.IFSOCK,
  };
}

/**
 * Whether a socket is bound to a file. A datagram socket is asked to connect there, which no listener notices: it is
 * refused where nobody is, and told that the type is wrong where a stream or seqpacket socket is.
 */
function hasOwner(libc: Libc, layout: Uint8Array<ArrayBuffer>): "yes" | "no" | "unknown" {
  const fd = libc.socket(AF.UNIX, SOCK.DGRAM | SOCK.NONBLOCK | SOCK.CLOEXEC, 0);
  if (fd < 0) return "unknown";
  const error = libc.connect(fd, layout, layout.length) < 0 ? errno() : 0;
  libc.close(fd);
  if (error === Errno.ECONNREFUSED) return "no";
  return error === 0 || error === Errno.EPROTOTYPE || error === Errno.EAGAIN ? "yes" : "unknown";
}
