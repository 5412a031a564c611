/**
 * Devices for catpowder, and whom it talks with: the Linux kernel as it is, with its offloads, or another catpowder.
 *
 * @module
 */

import type { LibOS } from "../../libos/pdpix.ts";
import { open, type OpenOptions } from "../../libos/open.ts";
import { Namespace, NetworkUnavailableError } from "./namespace.ts";

/** The kinds of devices. */
export type Kind = "tap" | "packet" | "xdp";

/** All of them. */
export const KINDS: readonly Kind[] = ["tap", "packet", "xdp"];

/** Addresses of one end, of IPv4 and IPv6. */
export interface Addresses {
  /** IPv4. */
  readonly inet: string;
  /** IPv6. */
  readonly inet6: string;
}

/** The libOS's end. */
export const OURS: Addresses = { inet: "10.0.0.1", inet6: "fd00::1" };
/** The other end: the kernel's, or another libOS's. */
export const THEIRS: Addresses = { inet: "10.0.0.2", inet6: "fd00::2" };

/** The lengths of the prefixes of both. */
const PREFIX = { inet: 24, inet6: 64 } as const;

/** Addresses as catpowder is told them. */
export function prefixed({ inet, inet6 }: Addresses): string[] {
  return [`${inet}/${PREFIX.inet}`, `${inet6}/${PREFIX.inet6}`];
}

/** One end of a link, as catpowder opens it. */
export interface Port {
  /** Where the device is. */
  readonly host: Namespace;
  /** Its name with its kind. */
  readonly device: `${Kind}:${string}`;
}

/** Opens catpowder at a port, with addresses. */
export function openAt(
  { host, device }: Port,
  addresses: Addresses,
  options: OpenOptions = {},
): LibOS {
  return host.call(() =>
    open({ libos: "catpowder", device, addresses: prefixed(addresses), ...options })
  );
}

/** The name of an interface of the kernel's, on its host. */
export const INTERFACE = "wire0";

/** A link between a libOS and the kernel. */
export class KernelLink implements Disposable {
  /** The libOS's end. */
  readonly port: Port;
  /** The kernel's host, which has {@linkcode THEIRS} on {@linkcode INTERFACE}. */
  readonly kernel: Namespace;
  readonly #made: DisposableStack;

  /** Makes one. Throws {@linkcode NetworkUnavailableError}. */
  constructor(kind: Kind) {
    using made = new DisposableStack();
    this.kernel = made.use(new Namespace());
    if (kind === "tap") {
      this.kernel.ip(`tuntap add dev ${INTERFACE} mode tap`);
      this.port = { host: this.kernel, device: `tap:${INTERFACE}` };
    } else {
      const host = made.use(new Namespace());
      host.ip(`link add ${INTERFACE} type veth peer name ${INTERFACE} netns ${this.kernel.path}`);
      host.ip(`link set ${INTERFACE} up addrgenmode none`);
      this.port = { host, device: `${kind}:${INTERFACE}` };
    }
    // What an XDP program sees of a sender on this machine has to be finished: nobody tells it what is not.
    if (kind === "xdp") this.kernel.ethtool(`-K ${INTERFACE} tx off`);
    this.kernel.ip(`link set ${INTERFACE} up addrgenmode none`);
    for (const address of prefixed(THEIRS)) {
      const nodad = address.includes(":") ? " nodad" : "";
      this.kernel.ip(`address add ${address} dev ${INTERFACE}${nodad}`);
    }
    this.#made = made.move();
  }

  /** Lets go of the hosts. */
  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** A link between two libOSes. */
export class PairLink implements Disposable {
  /** Both ends. */
  readonly ports: readonly [Port, Port];
  readonly #made: DisposableStack;

  /** Makes one. Throws {@linkcode NetworkUnavailableError}. */
  constructor(kind: Kind) {
    using made = new DisposableStack();
    const host = made.use(new Namespace());
    const [a, b] = [`${INTERFACE}a`, `${INTERFACE}b`];
    if (kind === "tap") {
      host.ip(`link add bridge0 type bridge forward_delay 0 mcast_snooping 0`);
      host.ip(`link set bridge0 up addrgenmode none`);
    } else {
      host.ip(`link add ${a} type veth peer name ${b}`);
    }
    for (const name of [a, b]) {
      if (kind === "tap") {
        host.ip(`tuntap add dev ${name} mode tap`);
        host.ip(`link set ${name} master bridge0`);
      }
      host.ip(`link set ${name} up addrgenmode none`);
    }
    this.ports = [{ host, device: `${kind}:${a}` }, { host, device: `${kind}:${b}` }];
    this.#made = made.move();
  }

  /** Lets go of the host. */
  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** Why links cannot be made here; undefined if they can. */
export function missingForLinks(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  try {
    for (const kind of KINDS) {
      using _kernel = new KernelLink(kind);
      using _pair = new PairLink(kind);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof NetworkUnavailableError)) throw error;
    return error.message;
  }
}
