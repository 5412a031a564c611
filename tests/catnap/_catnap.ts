/**
 * What the tests of catnap share: libOSes that are checked for leaks, sockets, and what was pushed and popped.
 *
 * @module
 */

import "../_preload.ts";
import { assertEquals } from "@std/assert";
import { DemikernelError } from "../../libos/error.ts";
import { open, type OpenOptions } from "../../libos/open.ts";
import type {
  Completion,
  Domain,
  InetAddress,
  LibOS,
  QToken,
  QueueDescriptor,
  Sga,
  SocketAddress,
  SocketType,
} from "../../libos/pdpix.ts";

/** The kinds of connected socket that catnap has. */
export const KINDS: readonly (readonly [Domain, SocketType])[] = [
  ["inet", "stream"],
  ["inet6", "stream"],
  ["unix", "stream"],
  ["unix", "seqpacket"],
];

/** The kinds that are byte streams. */
export const STREAMS: readonly (readonly [Domain, SocketType])[] = KINDS.slice(0, 3);

/** IPv4 loopback, on a port that the kernel chooses. */
export const LOOPBACK: InetAddress = { hostname: "127.0.0.1", port: 0 };

/** Runs a test on a catnap of its own, and fails if it left buffers or tokens behind. */
export async function withCatnap(
  run: (libos: LibOS) => unknown,
  options: OpenOptions = {},
): Promise<void> {
  const libos = open({ libos: "catnap", ...options });
  try {
    await run(libos);
  } catch (error) {
    await libos.exit();
    throw error;
  }
  const { leakedBuffers, leaks, unusedTokens } = await libos.exit();
  assertEquals(leakedBuffers, 0, `${leakedBuffers} buffers leaked ${leaks.join("\n")}`);
  assertEquals(unusedTokens, 0, `${unusedTokens} tokens were never waited for`);
}

let names = 0;

/** An address to bind to, that nobody else has. */
export function freeAddress(domain: Domain): SocketAddress {
  if (domain === "unix") return { path: `\0catnap-test-${Deno.pid}-${names++}` };
  return { hostname: domain === "inet" ? "127.0.0.1" : "::1", port: 0 };
}

/** Makes a socket that listens. */
export function listening(
  libos: LibOS,
  domain: Domain = "inet",
  type: SocketType = "stream",
  backlog = 511,
): { qd: QueueDescriptor; address: SocketAddress; port: number } {
  const qd = libos.socket(domain, type);
  libos.bind(qd, freeAddress(domain));
  libos.listen(qd, backlog);
  const address = libos.getsockname(qd);
  return { qd, address, port: "port" in address ? address.port : -1 };
}

/** Makes two connected sockets: the one that connected, and the one that was accepted. */
export function connectedPair(
  libos: LibOS,
  domain: Domain = "inet",
  type: SocketType = "stream",
): [QueueDescriptor, QueueDescriptor] {
  const listener = listening(libos, domain, type);
  const client = libos.socket(domain, type);
  const connected = libos.connect(client, listener.address);
  const server = accept(libos, listener.qd);
  assertEquals(outcome(libos, connected), "connect");
  libos.close(listener.qd);
  return [client, server];
}

/** Accepts one connection, blocking. */
export function accept(libos: LibOS, listener: QueueDescriptor): QueueDescriptor {
  const completion = libos.wait(libos.accept(listener), WAIT);
  if (completion.opcode === "accept") return completion.accepted;
  throw new Error(`expected a connection, got ${Deno.inspect(completion)}`);
}

/** Milliseconds until an operation that ought to end is given up. */
export const WAIT = 5000;

/** How an operation ended: its opcode, or the code of its error. What was popped is freed. */
export function outcome(libos: LibOS, qt: QToken): string {
  return tell(libos.wait(qt, WAIT));
}

/** As {@linkcode outcome}, of a completion. */
export function tell(completion: Completion): string {
  if (completion.opcode === "failed") return completion.error.code;
  if (completion.opcode !== "pop") return completion.opcode;
  completion.sga?.free();
  return completion.sga === null ? "end" : "pop";
}

/** An sga of a text, or of so many bytes that count up. */
export function message(libos: LibOS, content: string | number): Sga {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : pattern(content);
  const sga = libos.alloc(bytes.length);
  sga.bytes().set(bytes);
  return sga;
}

/** So many bytes, of which each tells where it is, with a period that no power of two divides. */
export function pattern(length: number, start = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (start + i) % 251;
  return bytes;
}

/** Pushes a text, and waits until it is gone. */
export function send(libos: LibOS, qd: QueueDescriptor, content: string | number): void {
  assertEquals(outcome(libos, libos.push(qd, message(libos, content))), "push");
}

/** The text that a pop gave; null at the end; the code of its error. */
export function popped(libos: LibOS, qt: QToken): string | null {
  const completion = libos.wait(qt, WAIT);
  if (completion.opcode !== "pop") return tell(completion);
  using sga = completion.sga;
  return sga && new TextDecoder().decode(sga.toUint8Array());
}

/** Pops a text. */
export function receive(libos: LibOS, qd: QueueDescriptor, size?: number): string | null {
  return popped(libos, libos.pop(qd, size));
}

/** Pushes until one push stays pending, as nobody pops; gives its token, and how many are gone. */
export function fill(
  libos: LibOS,
  qd: QueueDescriptor,
  size = 1 << 18,
): { blocked: QToken; gone: number } {
  for (let gone = 0;; gone++) {
    const blocked = libos.push(qd, message(libos, size));
    const ended = attempt(libos, blocked);
    if (ended === null) return { blocked, gone };
    assertEquals(ended, "push");
  }
}

/** How an operation ended, or null if it is pending although everything ready was done. */
export function attempt(libos: LibOS, qt: QToken, polls = 32): string | null {
  for (let i = 0; i < polls; i++) libos.poll();
  try {
    return tell(libos.wait(qt, 0));
  } catch (error) {
    if (error instanceof DemikernelError && error.code === "ETIMEDOUT") return null;
    throw error;
  }
}

/** Pops until so many bytes came, or the end; gives them. */
export function drain(
  libos: LibOS,
  qd: QueueDescriptor,
  length = Infinity,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let got = 0;
  while (got < length) {
    const completion = libos.wait(libos.pop(qd), WAIT);
    if (completion.opcode !== "pop") throw new Error(tell(completion));
    using sga = completion.sga;
    if (sga === null) break;
    parts.push(sga.toUint8Array());
    got += sga.length;
  }
  const bytes = new Uint8Array(got);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
