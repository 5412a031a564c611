/**
 * What an ICMP message tells of a packet that this host is said to have sent.
 *
 * @module
 */

import type { Memory } from "../../runtime/memory/memory.ts";
import type { Packet } from "../ip/packet.ts";

/** What became of a packet. One object per host, written anew for each message. */
export class IcmpError {
  /** The errno that stands for it; 0 if the packet was too big for a link. */
  errno: number = 0;
  /** Whether trying again is of no use (RFC 1122, section 4.2.3.9). */
  hard = false;
  /** What that link takes, if the packet was too big for it. */
  mtu = 0;
  /** Where the quoted packet lies. */
  memory: Memory | null = null;
  /** Where its payload begins there: 8 bytes of it are there at least. */
  payload = 0;
  /** What its payload is. */
  protocol = 0;
  /** Its addresses: as the source, this host; as the destination, whom it was sent to. */
  readonly quoted: Packet;

  /** Makes one that tells nothing yet. */
  constructor(quoted: Packet) {
    this.quoted = quoted;
  }
}

/** Who sends packets, and has to know what became of them. */
export interface ErrorListener {
  /** A packet of it did not arrive; whether it was sent at all is to be checked. */
  failed(error: IcmpError): void;
}
