/**
 * What is expected of the host next: one packet, or the run of segments that carries what a kernel would send as one.
 *
 * @module
 */

import { type IpPacket, PROTOCOL, readSegment } from "./wire.ts";
import type { PacketSpec, TcpSpec } from "./syntax.ts";
import type { Settings } from "./settings.ts";

/** See the module's description. */
export class Expected {
  readonly #spec: PacketSpec;
  readonly #settings: Settings;
  #taken = 0;
  #begun = false;

  constructor(spec: PacketSpec, settings: Settings) {
    this.#spec = spec;
    this.#settings = settings;
  }

  /** Whether something is to come. */
  get isWaiting(): boolean {
    if (!this.#begun) return true;
    return this.#spec.kind === "tcp" && this.#taken < this.#spec.length;
  }

  /** What the packet has to be that came now. */
  next(packet: IpPacket): PacketSpec {
    this.#begun = true;
    const spec = this.#spec;
    if (spec.kind !== "tcp" || packet.protocol !== PROTOCOL.tcp) {
      this.#taken = Infinity;
      return spec;
    }
    const rest = spec.length - this.#taken;
    const { length } = readSegment(packet).text;
    const isPart = length > 0 && length < rest && !this.#settings.strictSegments;
    const part: TcpSpec = {
      ...spec,
      seq: spec.seq + this.#taken,
      length: isPart ? length : rest,
      // What ends the run is on its last segment.
      flags: isPart ? spec.flags.replace(/[PF]/g, "") : spec.flags,
    };
    this.#taken += part.length;
    return part;
  }
}
