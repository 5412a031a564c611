/**
 * Asking the kernel for a network interface: `struct ifreq` with `ioctl`, `<net/if.h>` and `<linux/if_tun.h>`.
 *
 * @module
 */

import { AF, O, SOCK } from "./constants.ts";
import { check } from "./call.ts";
import { libc } from "./load.ts";

/** Sizes and offsets of `struct ifreq` in bytes: a name, and what is asked for. */
export const IFREQ = { SIZE: 40, VALUE: 16, ADDRESS: 18 } as const;

/** The longest name of an interface: `IFNAMSIZ` without the NUL. */
export const INTERFACE_NAME_MAX = 15;

/** Requests, `<linux/sockios.h>`, `<linux/if_tun.h>`. */
export const REQUEST = {
  SIOCGIFFLAGS: 0x8913n,
  SIOCGIFMTU: 0x8921n,
  SIOCGIFHWADDR: 0x8927n,
  SIOCGIFINDEX: 0x8933n,
  TUNSETIFF: 0x400454can,
} as const;

/** `IFF_*`, `<net/if.h>`, `<linux/if_tun.h>`. */
export const IFF = { UP: 0x1, TAP: 0x2, NO_PI: 0x1000 } as const;

/** The hardware type of Ethernet, `<net/if_arp.h>`. */
export const ARPHRD_ETHER = 1;

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
    const hardware = ask(REQUEST.SIOCGIFHWADDR);
    const type = view(hardware).getUint16(IFREQ.VALUE, true);
    return {
      index: view(ask(REQUEST.SIOCGIFINDEX)).getInt32(IFREQ.VALUE, true),
      mac: hardware.slice(IFREQ.ADDRESS, IFREQ.ADDRESS + 6),
      mtu: view(ask(REQUEST.SIOCGIFMTU)).getInt32(IFREQ.VALUE, true),
      up: (view(ask(REQUEST.SIOCGIFFLAGS)).getUint16(IFREQ.VALUE, true) & IFF.UP) !== 0,
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
  view(ifreq).setUint16(IFREQ.VALUE, IFF.TAP | IFF.NO_PI, true);
  check("ioctl", libc().ioctl(fd, REQUEST.TUNSETIFF, ifreq));
}

function makeIfreq(name: string): Uint8Array<ArrayBuffer> {
  const ifreq = new Uint8Array(IFREQ.SIZE);
  new TextEncoder().encodeInto(name, ifreq.subarray(0, INTERFACE_NAME_MAX));
  return ifreq;
}

function view(ifreq: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(ifreq.buffer);
}
