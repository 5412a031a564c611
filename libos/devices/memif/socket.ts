/**
 * The socket at which both ends of a memif link meet, in either role.
 *
 * @module
 */

import { AF, SOCK } from "../../../ffi/libc/constants.ts";
import { CLOCK_MONOTONIC, TFD } from "../../../ffi/libc/constants.ts";
import { check } from "../../../ffi/libc/call.ts";
import { encodeSockaddr } from "../../../ffi/libc/sockaddr.ts";
import { Errno } from "../../error.ts";
import { errno } from "../../../ffi/libc/memory.ts";
import { libc } from "../../../ffi/libc/load.ts";
import { SocketFile } from "../../catnap/socket_file.ts";

/** How often a client tries to connect, in nanoseconds. */
const PAUSE = 100_000_000n;

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
    this.fd = check("socket", this.#libc.socket(AF.UNIX, TYPE, 0));
    try {
      if (this.#libc.bind(this.fd, address, address.length) < 0) {
        const isStale = errno() === Errno.EADDRINUSE && path[0] !== "@" && isDeserted(address);
        if (isStale) this.#libc.unlink(new TextEncoder().encode(`${path}\0`));
        check("bind", this.#libc.bind(this.fd, address, address.length));
      }
      this.#file = path[0] === "@"
        ? null
        : new SocketFile(this.#libc, new TextEncoder().encode(`${path}\0`));
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

/** A client's: it looks for a server, now and ten times a second. */
export class ClientMeeting implements Meeting {
  readonly fd: number;
  readonly #libc = libc();
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #expirations = new Uint8Array(8);

  /** Makes one, which looks at once. Throws `LibcError`. */
  constructor(path: string) {
    this.#address = encode(path);
    const flags = TFD.NONBLOCK | TFD.CLOEXEC;
    this.fd = check("timerfd_create", this.#libc.timerfd_create(CLOCK_MONOTONIC, flags));
    this.#set(1n);
  }

  next(): number {
    if (this.#libc.read(this.fd, this.#expirations, 8n) < 0) return -1;
    const fd = this.#libc.socket(AF.UNIX, TYPE, 0);
    if (fd < 0) return -1;
    if (this.#libc.connect(fd, this.#address, this.#address.length) === 0) return fd;
    this.#libc.close(fd);
    return -1;
  }

  seek(wanted: boolean): void {
    this.#set(wanted ? PAUSE : 0n);
  }

  close(): void {
    this.#libc.close(this.fd);
  }

  /** The first time is after a while, in nanoseconds; 0 is never. */
  #set(first: bigint): void {
    const times = BigInt64Array.of(0n, PAUSE, 0n, first);
    this.#libc.timerfd_settime(this.fd, 0, new Uint8Array(times.buffer), null);
  }
}

function encode(path: string): Uint8Array<ArrayBuffer> {
  return encodeSockaddr({ path: new TextEncoder().encode(path.replace(/^@/, "\0")) });
}

/** Whether nobody listens at the file of a socket. */
function isDeserted(address: Uint8Array<ArrayBuffer>): boolean {
  const { socket, connect, close } = libc();
  const fd = socket(AF.UNIX, TYPE, 0);
  if (fd < 0) return false;
  const error = connect(fd, address, address.length) < 0 ? errno() : 0;
  close(fd);
  return error === Errno.ECONNREFUSED;
}
