/**
 * A bell in Deno's reactor: whoever rings it is called once Deno has looked there, with all that it found.
 *
 * While somebody wants a go of Deno's loop, as by `setImmediate`, Deno looks at its reactor in one of 61 goes. When
 * nobody does, it looks at once, and waits there. So the loop asks for no go, but for a byte on a socket that Deno reads.
 *
 * @module
 */

import type { Socket } from "node:net";
import process from "node:process";
import { setImmediate } from "node:timers";
import { check } from "../../../ffi/libc/call.ts";
import { AF, SOCK } from "../../../ffi/libc/constants.ts";
import type { Libc } from "../../../ffi/libc/load.ts";

/** See the module's description. */
export class HostBell {
  readonly #libc: Libc;
  /** Deno's end, which Deno closes, and ours. */
  readonly #fds = new Int32Array(2);
  readonly #byte = new Uint8Array(1);
  /** Made when it is needed first, since a libOS may never spin. */
  #socket: Socket | null = null;
  #then: (() => void) | null = null;
  /** Whether Deno waits for a byte: one that came before would be read without a look at the reactor. */
  #isAwaited = false;
  #isClosed = false;

  /** Opens the two ends. Throws {@linkcode LibcError} when there are no descriptors left. */
  constructor(libc: Libc) {
    this.#libc = libc;
    const type = SOCK.STREAM | SOCK.NONBLOCK | SOCK.CLOEXEC;
    check("socketpair", libc.socketpair(AF.UNIX, type, 0, new Uint8Array(this.#fds.buffer)));
  }

  /** The function is called once Deno has looked at its reactor. It keeps the process alive until then. */
  ring(then: () => void): void {
    this.#then = then;
    this.#socket ??= this.#open();
    this.#socket?.ref();
    if (this.#isAwaited) this.#write();
  }

  /** Closes both ends; whoever waits is called. */
  close(): Promise<void> {
    this.#isClosed = true;
    const [theirs, ours] = this.#fds as unknown as [number, number];
    this.#libc.close(ours);
    const socket = this.#socket;
    if (socket === null) {
      this.#libc.close(theirs);
      this.#answer();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      socket.once("close", () => {
        this.#answer();
        resolve();
      });
      socket.destroy();
    });
  }

  #open(): Socket | null {
    const { Socket } = process.getBuiltinModule("node:net");
    // Microtasks run while a module is loaded: one of them may have closed this.
    if (this.#isClosed) return null;
    const socket = new Socket({ fd: this.#fds[0]!, readable: true, writable: false });
    this.#listen();
    return socket.on("data", () => {
      socket.unref();
      this.#isAwaited = false;
      this.#listen();
      this.#answer();
    });
  }

  /** Deno begins to read in its next go, and finds nothing in the one after that. */
  #listen(): void {
    setImmediate(() =>
      setImmediate(() => {
        this.#isAwaited = true;
        if (this.#then !== null) this.#write();
      })
    );
  }

  #write(): void {
    if (!this.#isClosed) this.#libc.write(this.#fds[1]!, this.#byte, 1n);
  }

  /** Calls whoever waits; not from within the stream, which ends by what is thrown there. */
  #answer(): void {
    const then = this.#then;
    this.#then = null;
    if (then !== null) queueMicrotask(then);
  }
}
