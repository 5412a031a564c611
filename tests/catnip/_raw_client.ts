/**
 * A client of memif made by hand.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { AF, SOCK } from "../../ffi/libc/constants.ts";
import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import { MESSAGE } from "../../libos/devices/memif/layout.ts";
import { libc } from "../../ffi/libc/load.ts";
import { RightsMessage } from "../../ffi/libc/rights.ts";

/** A client made by hand, which says what it likes. */
export class RawClient {
  readonly #message = new RightsMessage(MESSAGE.SIZE);
  readonly #view = new DataView(this.#message.bytes.buffer);
  readonly #socket: number;

  /** Connects to the server of that name. */
  constructor(name: string) {
    const { socket, connect } = libc();
    this.#socket = socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK | SOCK.CLOEXEC, 0);
    const address = encodeSockaddr({ path: new TextEncoder().encode(name.replace("@", "\0")) });
    assertEquals(connect(this.#socket, address, address.length), 0);
  }

  /** The type of the next message; -1 if there is none. */
  receive(): number {
    this.#message.bytes.fill(0);
    return this.#message.receive(this.#socket) > 0 ? this.#view.getUint16(0, true) : -1;
  }

  /** What the last message says, if it is the end. */
  get reason(): string {
    const { REASON } = MESSAGE.DISCONNECT;
    return new TextDecoder().decode(this.#message.bytes.subarray(REASON));
  }

  /** Sends a message, whose fields a function writes. */
  say(type: number, write: (view: DataView) => void = () => {}, fd = -1): void {
    this.#message.bytes.fill(0);
    this.#view.setUint16(MESSAGE.TYPE, type, true);
    write(this.#view);
    this.#message.send(this.#socket, fd);
  }

  /** Sends a message of no bytes, with a descriptor. */
  sayNothing(fd: number): void {
    assertEquals(new RightsMessage(0).send(this.#socket, fd), 0);
  }

  /** Goes without a word. */
  close(): void {
    libc().close(this.#socket);
  }
}
