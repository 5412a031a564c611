/**
 * A simulated host: a libOS like any other, whose device is a link of a simulated network.
 *
 * @module
 */

import type { ExitReport, LibOS } from "../pdpix.ts";
import { InetLibOS, type InetOptions } from "../inetstack/queues/libos.ts";
import type { Link, SimulatedLink } from "./link.ts";
import type { SimulatedDevice } from "./device.ts";

/** A libOS on a simulated network. */
export interface SimulatedHost extends LibOS {
  /** What it is called in traces and reports. */
  readonly hostname: string;
  /** The way of its frames into the network. */
  readonly link: Link;
  /**
   * Crashes: from now on the network hears nothing of it, and its peers have to find that out. What was pending on it
   * fails with `ECANCELED`. To come back is to be made again, under the same name and addresses.
   */
  crash(): Promise<ExitReport>;
}

/** See the module's description. */
export class SimHost extends InetLibOS implements SimulatedHost {
  /** See {@linkcode LibOS.name}. */
  override readonly name = "sim";
  /** See {@linkcode SimulatedHost.hostname}. */
  readonly hostname: string;
  /** See {@linkcode SimulatedHost.link}. */
  readonly link: SimulatedLink;
  /** Its device. */
  readonly device: SimulatedDevice;
  readonly #left: (host: SimHost) => void;
  readonly #step: () => number;

  /** Used by {@linkcode SimulatedNetwork.host}. */
  constructor(
    hostname: string,
    link: SimulatedLink,
    device: SimulatedDevice,
    options: Omit<InetOptions, "device">,
    left: (host: SimHost) => void,
    step: () => number,
  ) {
    super({ ...options, device });
    this.hostname = hostname;
    this.link = link;
    this.device = device;
    this.#left = left;
    this.#step = step;
  }

  /** See {@linkcode LibOS.poll}: a poll that the application asks for is a turn of the network, and takes time. */
  override poll(now?: number): number {
    return now === undefined ? this.#step() : super.poll(now);
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    return this.device.hasFrames ? -Infinity : super.deadline();
  }

  /** See {@linkcode SimulatedHost.crash}. */
  crash(): Promise<ExitReport> {
    this.device.close();
    for (const connection of [...this.stack.tcp]) this.stack.tcp.remove(connection);
    return this.exit();
  }

  protected override closeDevice(): void {
    super.closeDevice();
    this.#left(this);
  }
}
