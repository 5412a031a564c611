/**
 * The socket at which both ends of a memif link meet, in either role.
 *
 * @module
 */

import { AF, SOCK } from "../../../ffi/libc/constants.ts";
import { Alarm } from "../alarm.ts";
import { check } from "../../../ffi/libc/call.ts";
import { encodeSockaddr } from "../../../ffi/libc/sockaddr.ts";
import { Errno } from "../../error.ts";
import { errno } from "../../../ffi/libc/memory.ts";
import { libc } from "../../../ffi/libc/load.ts";
import { isStale, SocketFile } from "../../catnap/socket_file.ts";

/** How long a client waits until it looks for a server again, in milliseconds: twice as long each time, up to a bound. */
const FIRST_PAUSE = 1;
const LAST_PAUSE = 100;

const TYPE = SOCK.SEQPACKET | SOCK.NONBLOCK | SOCK.CLOEXEC;

/** Where other ends come from. */
export interface Meeting {
  /** Readable when {@linkcode Meeting.next} should be asked. */
  readonly fd: number;
  /** The socket of another end that is connected now; -1 if there is none. */
  next(): number;
  /** Whether another end is wanted: only then does a client look for a server. */
  seek(wanted: boolean): void;
  /** Lets go of it. */
  close(): void;
}

/** A server's: it waits for clients. */
export class ServerMeeting implements Meeting {
  readonly fd: number;
  readonly #libc = libc();
  readonly #file: SocketFile | null;

  /** Binds and listens. Throws `LibcError`. */
  constructor(path: string) {
    const address = encode(path);
    const file = new TextEncoder().encode(`${path}\0`);
    this.fd = check("socket", this.#libc.socket(AF.UNIX, TYPE, 0));
    try {
      if (this.#libc.bind(this.fd, address, address.length) < 0) {
        const isTaken = errno() === Errno.EADDRINUSE && path[0] !== "@";
        if (isTaken && isStale(this.#libc, address)) this.#libc.unlink(file);
        check("bind", this.#libc.bind(this.fd, address, address.length));
      }
      this.#file = path[0] === "@" ? null : new SocketFile(this.#libc, file);
      check("listen", this.#libc.listen(this.fd, 4));
    } catch (error) {
      this.#libc.close(this.fd);
      throw error;
    }
  }

  next(): number {
    return this.#libc.accept4(this.fd, null, null, SOCK.NONBLOCK | SOCK.CLOEXEC);
  }

  seek(): void {}

  close(): void {
    this.#file?.remove();
    this.#libc.close(this.fd);
  }
}

/** A client's: it looks for a server at once, and then ever more seldom, but ten times a second. */
export class ClientMeeting implements Meeting {
  readonly #libc = libc();
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #alarm = new Alarm();
  #pause = FIRST_PAUSE;

  /** Makes one, which looks at once. Throws `LibcError`. */
  constructor(path: string) {
    this.#address = encode(path);
    this.#alarm.set(0.001);
  }

  get fd(): number {
    return this.#alarm.fd;
  }

  next(): number {
    if (!this.#alarm.rang()) return -1;
    const fd = this.#libc.socket(AF.UNIX, TYPE, 0);
    if (fd >= 0 && this.#libc.connect(fd, this.#address, this.#address.length) === 0) return fd;
    if (fd >= 0) this.#libc.close(fd);
    this.#alarm.set(this.#pause);
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE);
    return -1;
  }

  seek(wanted: boolean): void {
    this.#pause = FIRST_PAUSE;
    this.#alarm.set(wanted ? LAST_PAUSE : 0);
  }

  close(): void {
    this.#alarm.close();
  }
}

function encode(path: string): Uint8Array<ArrayBuffer> {
  return encodeSockaddr({ path: new TextEncoder().encode(path.replace(/^@/, "\0")) });
}
