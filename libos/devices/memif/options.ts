/**
 * What a memif device is told, checked.
 *
 * @module
 */

import { checkInteger, deviceError, readMac } from "../interface.ts";
import { checkOptions } from "../../check.ts";
import { ETHERNET_HEADER } from "../../inetstack/device.ts";
import { inspect } from "../../error.ts";
import { RING, SECRET_SIZE } from "./layout.ts";
import { capacityOf, MOST_QUEUES, START } from "./peer.ts";
import { regionBytes } from "./server.ts";
import { SOCKADDR } from "../../../ffi/libc/sockaddr.ts";

/** A memif link to open. */
export interface MemifOptions {
  /** What it is. */
  readonly kind: "memif";
  /** The path of the socket that both ends meet at; `@NAME` for an abstract one. */
  readonly socket: string;
  /**
   * The number of the interface, where several share a socket.
   *
   * @default {0}
   */
  readonly id?: number;
  /**
   * Which end this is: a `client` makes the memory, and connects to a server, again and again; a `server` makes the
   * socket, and waits.
   *
   * @default {"client"}
   */
  readonly role?: "client" | "server";
  /** What both ends have to know, 24 bytes at most; nothing by default. */
  readonly secret?: string;
  /**
   * The largest payload of a frame, 576 to 65 521 bytes.
   *
   * @default {1500}
   */
  readonly mtu?: number;
  /**
   * A client: how many frames a ring has, a power of two up to 16 384.
   *
   * @default {1024}
   */
  readonly ringSize?: number;
  /** A client: bytes of each buffer, 64 to 65 536; by default the least power of two that a frame fits in, 2048 at least. */
  readonly bufferSize?: number;
  /**
   * A client: rings each way, 1 to 16. Frames are received from all of them, and sent by the first.
   *
   * @default {1}
   */
  readonly queues?: number;
  /**
   * A server: bytes of memory that a client may bring, up to 1 GiB.
   *
   * @default {64 MiB}
   */
  readonly room?: number;
  /** The own Ethernet address; by default it is made of the first IP address, and so is the same after a restart. */
  readonly mac?: string;
}

/** The same, checked and complete. */
export interface CheckedMemif {
  readonly kind: "memif";
  readonly socket: string;
  readonly id: number;
  readonly isServer: boolean;
  readonly secret: string;
  readonly mtu: number;
  readonly log2: number;
  readonly bufferSize: number;
  readonly queues: number;
  readonly room: number;
  readonly mac: string | undefined;
}

const LONGEST_PATH = SOCKADDR.UN.PATH_MAX - 1;

/** Checks what a memif device is told. Throws {@linkcode DemikernelError} `EINVAL`, and says which option. */
export function checkMemif(options: MemifOptions): CheckedMemif {
  checkOptions("open", options, { socket: "a string", secret: "a string" });
  const { socket, id = 0, role = "client", secret = "", mtu = 1500, mac } = options;
  const { ringSize = 1024, queues = 1, room = 64 << 20 } = options;
  const length = new TextEncoder().encode(socket ?? "").length;
  if (length === 0 || length > LONGEST_PATH || socket.includes("\0")) {
    throw deviceError(
      "EINVAL",
      `a memif socket has a path of 1 to ${LONGEST_PATH} bytes, unlike ${inspect(socket)}`,
    );
  }
  if (role !== "client" && role !== "server") {
    throw deviceError("EINVAL", `role must be client or server, not ${inspect(role)}`);
  }
  if (new TextEncoder().encode(secret).length > SECRET_SIZE) {
    throw deviceError("EINVAL", `secret must be ${SECRET_SIZE} bytes at most`);
  }
  checkInteger("id", id, 0, 0xffffffff);
  checkInteger("mtu", mtu, 576, 65_535 - ETHERNET_HEADER);
  checkInteger("ringSize", ringSize, 1, 1 << RING.MOST_LOG2);
  checkInteger("queues", queues, 1, MOST_QUEUES);
  checkInteger("room", room, 65_536, 1 << 30);
  const log2 = Math.log2(ringSize);
  if (!Number.isInteger(log2)) {
    throw deviceError("EINVAL", `ringSize must be a power of two, not ${ringSize}`);
  }
  const { bufferSize = bufferSizeFor(mtu) } = options;
  checkInteger("bufferSize", bufferSize, 64, 65_536);
  if ((bufferSize & 3) !== 0) {
    throw deviceError("EINVAL", `bufferSize must be a multiple of 4, not ${bufferSize}`);
  }
  // A frame that needs more slots than there are could never be sent.
  if (ringSize * capacityOf({ bufferSize }) < mtu + ETHERNET_HEADER) {
    throw deviceError(
      "EINVAL",
      `a frame of mtu ${mtu} does not fit in ${ringSize} buffers of ${bufferSize} bytes`,
    );
  }
  if (mac !== undefined) readMac(mac);
  const isServer = role === "server";
  const needed = isServer ? room : regionBytes(log2, queues, bufferSize);
  if (needed > 1 << 30) throw deviceError("EINVAL", "all buffers together must be 1 GiB at most");
  const checked = { kind: "memif", socket, id, isServer, secret, mtu, log2, bufferSize } as const;
  return { ...checked, queues, room: needed, mac };
}

function bufferSizeFor(mtu: number): number {
  let size = 2048;
  while (size < START + ETHERNET_HEADER + mtu) size *= 2;
  return Math.min(size, 65_536);
}
