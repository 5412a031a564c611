/**
 * Two hosts on a wire: on one a libOS has the device for itself, on the other the Linux kernel has an address.
 *
 * @module
 */

import { Namespace, NetworkUnavailableError } from "./namespace.ts";

/** One end of the wire. */
export interface Station {
  /** Its IPv4 address. */
  readonly address: string;
  /** Its MAC address. */
  readonly linkAddress: string;
}

/** The libOS's end. */
export const LIBOS: Station = { address: "10.0.0.1", linkAddress: "02:00:00:00:00:01" };
/** The kernel's end. */
export const KERNEL: Station = { address: "10.0.0.2", linkAddress: "02:00:00:00:00:02" };

/** The MAC addresses of both, by IPv4 address. */
export const NEIGHBOURS: Readonly<Record<string, string>> = {
  [LIBOS.address]: LIBOS.linkAddress,
  [KERNEL.address]: KERNEL.linkAddress,
};

/** The name of the device, on either host of a {@linkcode Network}. */
export const DEVICE = "veth0";

/** The name of the tap device that {@linkcode ealOnTap} makes. */
export const TAP = "dtap0";

/**
 * What DPDK's EAL is told: no huge pages, no hardware, no files that others share; one virtual device. It moves the thread
 * that starts it to a core.
 */
export function ealWith(device: string, core: number = 0): string[] {
  const alone = ["--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--no-shconf"];
  return ["-l", String(core), ...alone, `--vdev=${device}`];
}

/** The same for upstream's catnip, with a tap device. */
export function ealOnTap(core: number = 0): string[] {
  return ["demikernel", ...ealWith(`net_tap0,iface=${TAP},mac=${LIBOS.linkAddress}`, core)];
}

/**
 * Gives a device of a namespace the kernel's address, and tells the kernel of the libOS's. What is sent there has its
 * checksum, and is no longer than a frame, since nobody behind the device would see to that. What comes is acknowledged
 * at once, since upstream's pushes wait for that.
 */
export function equipKernelEnd(namespace: Namespace, device: string): void {
  namespace.ip(`link set ${device} up address ${KERNEL.linkAddress} addrgenmode none`);
  namespace.ip(`address replace ${KERNEL.address}/24 dev ${device}`);
  namespace.ip(`neighbour replace ${LIBOS.address} lladdr ${LIBOS.linkAddress} dev ${device}`);
  namespace.ip(`route replace 10.0.0.0/24 dev ${device} src ${KERNEL.address} quickack 1`);
  namespace.ethtool(`-K ${device} tx off`);
}

/** Two hosts on a wire, which is a pair of virtual Ethernet devices. */
export class Network implements Disposable {
  /** The libOS's host: the kernel has no address there. */
  readonly libos: Namespace;
  /** The kernel's host. */
  readonly kernel: Namespace;

  /** Makes them. Throws {@linkcode NetworkUnavailableError}. */
  constructor() {
    using made = new DisposableStack();
    this.libos = made.use(new Namespace());
    this.kernel = made.use(new Namespace());
    this.libos.ip(
      `link add ${DEVICE} address ${LIBOS.linkAddress} type veth ` +
        `peer name ${DEVICE} netns ${this.kernel.path}`,
    );
    this.libos.ip(`link set ${DEVICE} up addrgenmode none`);
    this.libos.ethtool(`-K ${DEVICE} tx off rx off gro off gso off tso off`);
    equipKernelEnd(this.kernel, DEVICE);
    made.move();
  }

  /** Lets go of both. */
  [Symbol.dispose](): void {
    this.libos[Symbol.dispose]();
    this.kernel[Symbol.dispose]();
  }
}

/** Why a {@linkcode Network} cannot be made here; undefined if it can. */
export function missingForNetwork(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  try {
    using _network = new Network();
    return undefined;
  } catch (error) {
    if (!(error instanceof NetworkUnavailableError)) throw error;
    return error.message;
  }
}
