/**
 * Empty datagrams, which upstream's catnap takes for the end of a stream: it receives nothing more on that socket then,
 * and anybody can send one. So the kernel is told to drop them.
 *
 * Upstream does not tell the descriptor of a socket; it is found by the address, which is its own.
 *
 * @module
 */

import { MSG, SO, SOCK, SOL } from "../../ffi/libc/constants.ts";
import { type Libc, libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { Words } from "../../ffi/libc/words.ts";

/** Descriptors that are looked at, from the lowest on. */
const DESCRIPTORS = 1 << 16;
/** More than the kernel has for a socket that was bound just now. */
const LATEST = 1 << 16;

/**
 * `struct sock_filter`, `<linux/filter.h>`: an instruction, where to go if it is true and if not, and its operand. The
 * kernel asks with the header, which is 8 bytes long (RFC 768).
 */
const FILTER = new Uint32Array([
  ...[0x80, 0], // A = length
  ...[0x25 | 1 << 24, 8], // if A > 8, the next one; else the one after it
  ...[0x06, 0xffffffff], // take all
  ...[0x06, 0], // drop it
]);

/** Where goes what nobody gets. */
const NOWHERE = new Uint8Array(new ArrayBuffer(8));

/** Lets the kernel drop empty datagrams for the socket that is bound to an address; says whether it does. */
export function dropEmptyDatagrams(layout: Uint8Array<ArrayBuffer>): boolean {
  const functions = libc();
  const fd = find(functions, layout);
  if (fd < 0) return false;
  // `struct sock_fprog`: how many instructions, and where.
  const program = new Words(2);
  program.set(0, FILTER.length / 2);
  program.set(1, addressOf(new Uint8Array(FILTER.buffer)));
  const bytes = new Uint8Array(program.u64.buffer);
  const { setsockopt } = functions;
  if (setsockopt(fd, SOL.SOCKET, SO.ATTACH_FILTER, bytes, bytes.length) < 0) return false;
  drain(functions, fd);
  return true;
}

/** The datagram socket of an address; -1 if it is not found. */
function find({ getsockname, getsockopt }: Libc, layout: Uint8Array<ArrayBuffer>): number {
  const wanted = new Uint32Array(layout.slice().buffer);
  const name = new Uint32Array(SOCKADDR.UN.SIZE / 2);
  const value = new Uint32Array(1);
  const length = new Uint32Array(1);
  for (let fd = 0; fd < DESCRIPTORS; fd++) {
    length[0] = name.byteLength;
    if (getsockname(fd, name, length) < 0) continue;
    if (length[0] !== layout.length || wanted.some((word, i) => word !== name[i])) continue;
    length[0] = value.byteLength;
    getsockopt(fd, SOL.SOCKET, SO.TYPE, value, length);
    if (value[0] === SOCK.DGRAM) return fd;
  }
  return -1;
}

/** Takes what came before the filter was there; upstream has seen nothing of it, as it was not run since the bind. */
function drain({ recv }: Libc, fd: number): void {
  const words = new Words(2);
  words.set(0, addressOf(NOWHERE));
  words.set(1, NOWHERE.length);
  for (let i = 0; i < LATEST; i++) {
    if (recv(fd, words.u64[0]!, words.u64[1]!, MSG.DONTWAIT) < 0) return;
  }
}
