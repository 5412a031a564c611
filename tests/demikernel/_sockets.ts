/**
 * What the scenarios share: connected sockets, and what goes through them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { DemikernelError, type ErrnoName } from "../../libos/error.ts";
import type {
  InetAddress,
  LibOS,
  Operation,
  QueueDescriptor,
  SocketType,
} from "../../libos/pdpix.ts";

/** Where everything is, on a port that the libOS chooses. */
export const LOOPBACK: InetAddress = { hostname: "127.0.0.1", port: 0 };

/** Makes a socket that has an address. */
export function bound(libos: LibOS, type: SocketType = "stream"): {
  qd: QueueDescriptor;
  address: InetAddress;
} {
  const qd = libos.socket("inet", type);
  libos.bind(qd, LOOPBACK);
  return { qd, address: libos.getsockname(qd) as InetAddress };
}

/** Makes a socket that listens. */
export function listening(libos: LibOS): ReturnType<typeof bound> {
  const socket = bound(libos);
  libos.listen(socket.qd);
  return socket;
}

/** A connection: who connected, and who was accepted. */
export interface Pair {
  readonly client: QueueDescriptor;
  readonly server: QueueDescriptor;
}

/** Makes a connection, of a libOS with itself or with another. */
export async function connected(libos: LibOS, other: LibOS = libos): Promise<Pair> {
  const { qd: listener, address } = listening(libos);
  const client = other.socket("inet", "stream");
  const accepting = Promise.resolve(libos.operations.accept(listener));
  await other.operations.connect(client, address);
  const server = await accepting;
  libos.close(listener);
  return { client, server };
}

/** Bytes that are not the same everywhere. */
export function pattern(length: number, seed = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) + seed) & 0xff;
  return bytes;
}

/** Pushes bytes, as one segment. */
export function send(libos: LibOS, qd: QueueDescriptor, bytes: Uint8Array): Operation<void> {
  const sga = libos.alloc(bytes.length);
  sga.bytes().set(bytes);
  return libos.operations.push(qd, sga);
}

/** Pops once; null at the end. */
export async function receive(
  libos: LibOS,
  qd: QueueDescriptor,
  size = 0,
): Promise<Uint8Array | null> {
  using sga = await libos.operations.pop(qd, size);
  return sga === null ? null : sga.toUint8Array();
}

/** Pops until so many bytes are there. */
export async function receiveAll(
  libos: LibOS,
  qd: QueueDescriptor,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const part = await receive(libos, qd, length - at);
    assert(part !== null, `the end came after ${at} bytes`);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** What an operation ended with: "ok", or the name of its errno. */
export async function outcome<T>(operation: PromiseLike<T> | Operation<T>): Promise<string> {
  try {
    await operation;
    return "ok";
  } catch (error) {
    assert(error instanceof DemikernelError, Deno.inspect(error));
    return error.code;
  }
}

/** Fails unless an operation fails with an errno. */
export async function assertFails<T>(
  code: ErrnoName,
  operation: PromiseLike<T> | Operation<T>,
): Promise<void> {
  assertEquals(await outcome(operation), code);
}

/** Whether an operation is over after so many turns of the event loop. */
export async function isOver(operation: Promise<unknown>, turns = 50): Promise<boolean> {
  let over = false;
  const end = () => over = true;
  operation.then(end, end);
  for (let i = 0; i < turns && !over; i++) await new Promise((resolve) => setTimeout(resolve, 0));
  return over;
}

/** Closes all. */
export function closeAll(libos: LibOS, ...qds: QueueDescriptor[]): void {
  for (const qd of qds) libos.close(qd);
}
