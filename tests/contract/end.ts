/**
 * Ends of channels, connections and pipes, and what is pushed and popped there.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, ending, tell, text } from "./answers.ts";
import { wait } from "./waits.ts";
import type {
  LibOS,
  Operation,
  QToken,
  QueueDescriptor,
  Sga,
  SocketAddress,
} from "../../libos/pdpix.ts";

/** A push that nothing was done for in so many milliseconds waits for the other end. */
const STAYS = 50;

/** One end of a channel, a connection or a pipe. */
export class End {
  /** The libOS that has it. */
  readonly libos: LibOS;
  /** Its descriptor. */
  readonly qd: QueueDescriptor;

  /** Names a queue of a libOS. */
  constructor(libos: LibOS, qd: QueueDescriptor) {
    this.libos = libos;
    this.qd = qd;
  }

  /** Pushes a text, or so many bytes of a pattern. */
  push(content: string | number): QToken {
    const sga = message(this.libos, content);
    try {
      return this.libos.push(this.qd, sga);
    } catch (error) {
      sga.free();
      throw error;
    }
  }

  /** Asks for data. */
  pop(size?: number): QToken {
    return this.libos.pop(this.qd, size);
  }

  /** Pushes, and fails unless all of it is gone. */
  async send(content: string | number): Promise<void> {
    assertEquals(await ending(this.libos, this.push(content)), "push");
  }

  /** Pops; gives the text, `end`, or the code of the error. */
  async receive(size?: number): Promise<string> {
    return await this.told(this.pop(size));
  }

  /** The text that a pop gave, `end`, or the code of the error. */
  async told(qt: QToken): Promise<string> {
    return await ending(this.libos, qt, text);
  }

  /** Pops so many bytes, or all until the end. */
  async drain(length = Infinity): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for (let left = length; left > 0;) {
      const completion = await wait(this.libos, this.pop(left === Infinity ? 0 : left), 2000);
      if (completion.opcode !== "pop") throw new Error(`a pop ended with ${text(completion)}`);
      using sga = completion.sga;
      if (sga === null) break;
      parts.push(sga.toUint8Array());
      left -= sga.length;
    }
    return joined(parts);
  }

  /** Pushes until one push stays pending, as nobody pops; gives its token, or null if none ever did. */
  async fill(size: number, most: number): Promise<{ blocked: QToken | null; gone: number }> {
    for (let gone = 0; gone * size < most; gone++) {
      const blocked = this.push(size);
      // What is on its way makes room for more, when it arrives.
      const ended = await ending(this.libos, blocked, tell, STAYS);
      if (ended === "pending") return { blocked, gone };
      assertEquals(ended, "push");
    }
    return { blocked: null, gone: Math.ceil(most / size) };
  }

  /** Closes it. */
  close(): void {
    this.libos.close(this.qd);
  }

  /** Closes it so that the peer gets a reset. */
  reset(): void {
    this.libos.setsockopt(this.qd, "linger", 0);
    this.close();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An sga of a text, or of so many bytes of {@linkcode pattern}. */
export function message(libos: LibOS, content: string | number): Sga {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : pattern(content);
  const sga = libos.alloc(bytes.length);
  sga.bytes().set(bytes);
  return sga;
}

/** The text of an sga, which is freed; `end` for null. */
export function textOf(sga: Sga | null): string {
  if (sga === null) return "end";
  using popped = sga;
  return new TextDecoder().decode(popped.toUint8Array());
}

/** So many bytes that each tell where they are, with a period that no power of two divides. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i % 251;
  return bytes;
}

/** Pops for a coroutine. */
export function pop({ libos, qd }: End, size?: number): Operation<Sga | null> {
  return libos.operations.pop(qd, size);
}

/** Pushes a text for a coroutine. */
export function push({ libos, qd }: End, content: string): Operation<void> {
  return libos.operations.push(qd, message(libos, content));
}

/** Pushes a datagram; gives how that ended. */
export async function pushTo(
  { libos, qd }: End,
  content: string | number,
  address: SocketAddress,
): Promise<string> {
  return await ending(libos, libos.pushTo(qd, message(libos, content), address));
}

/** Fails unless a call refuses to take an sga, with that code, and leaves it with the caller. */
export function refused(libos: LibOS, call: (sga: Sga) => unknown): string {
  using sga = message(libos, "refused");
  const answer = code(() => call(sga));
  assertEquals(new TextDecoder().decode(sga.toUint8Array()), "refused");
  return answer;
}
