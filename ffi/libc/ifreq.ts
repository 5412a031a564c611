/**
 * Asking the kernel for a network interface: `struct ifreq` with `ioctl`, `<net/if.h>` and `<linux/if_tun.h>`.
 *
 * @module
 */

import { AF, O, SOCK } from "./constants.ts";
import { check } from "./call.ts";
import { libc } from "./load.ts";

/** Sizes and offsets of `struct ifreq` in bytes: a name, and what is asked for. */
const IFREQ = { SIZE: 40, VALUE: 16, ADDRESS: 18 } as const;

/** The longest name of an interface: `IFNAMSIZ` without the NUL. */
export const INTERFACE_NAME_MAX = 15;

/** Requests, `<linux/sockios.h>`, `<linux/if_tun.h>`. */
const SIOCGIFFLAGS = 0x8913n;
const SIOCGIFMTU = 0x8921n;
const SIOCGIFHWADDR = 0x8927n;
const SIOCGIFINDEX = 0x8933n;
const TUNSETIFF = 0x400454can;

const IFF_UP = 0x1;
const IFF_TAP_NO_PI = 0x1002;
const ARPHRD_ETHER = 1;

/** What an interface is. */
export interface NetworkInterface {
  /** Its number. */
  readonly index: number;
  /** Its Ethernet address. */
  readonly mac: Uint8Array<ArrayBuffer>;
  /** The largest payload of a frame. */
  readonly mtu: number;
  /** Whether it is up. */
  readonly up: boolean;
  /** Whether its frames are Ethernet's. */
  readonly ethernet: boolean;
}

/** Asks for an interface of this network namespace. Throws `LibcError` with `ENODEV` if there is none of that name. */
export function inspectInterface(name: string): NetworkInterface {
  const { socket, ioctl, close } = libc();
  const fd = check("socket", socket(AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0));
  const ask = (request: bigint) => {
    const ifreq = makeIfreq(name);
    check("ioctl", ioctl(fd, request, ifreq));
    return ifreq;
  };
  try {
    const hardware = ask(SIOCGIFHWADDR);
    const type = view(hardware).getUint16(IFREQ.VALUE, true);
    return {
      index: view(ask(SIOCGIFINDEX)).getInt32(IFREQ.VALUE, true),
      mac: hardware.slice(IFREQ.ADDRESS, IFREQ.ADDRESS + 6),
      mtu: view(ask(SIOCGIFMTU)).getInt32(IFREQ.VALUE, true),
      up: (view(ask(SIOCGIFFLAGS)).getUint16(IFREQ.VALUE, true) & IFF_UP) !== 0,
      ethernet: type === ARPHRD_ETHER,
    };
  } finally {
    close(fd);
  }
}

/** Where TAP devices are opened. */
export const TUN_PATH = "/dev/net/tun";

/** Opens {@linkcode TUN_PATH}, without blocking. Throws `LibcError`. */
export function openTun(): number {
  const path = new TextEncoder().encode(`${TUN_PATH}\0`);
  return check("open", libc().open(path, O.RDWR | O.NONBLOCK | O.CLOEXEC));
}

/** Makes the other end of a TAP device of what {@linkcode openTun} gave. Throws `LibcError`. */
export function attachTap(fd: number, name: string): void {
  const ifreq = makeIfreq(name);
  view(ifreq).setUint16(IFREQ.VALUE, IFF_TAP_NO_PI, true);
  check("ioctl", libc().ioctl(fd, TUNSETIFF, ifreq));
}

function makeIfreq(name: string): Uint8Array<ArrayBuffer> {
  const ifreq = new Uint8Array(IFREQ.SIZE);
  new TextEncoder().encodeInto(name, ifreq.subarray(0, INTERFACE_NAME_MAX));
  return ifreq;
}

function view(ifreq: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(ifreq.buffer);
}
