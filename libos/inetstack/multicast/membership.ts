/**
 * Telling routers which groups this host is in: what IGMPv2 (RFC 2236) and MLD (RFC 2710) have in common. A group is
 * reported twice when it is joined, and each time that a router asks, unless another host was quicker.
 *
 * @module
 */

import type { Host } from "../ethernet/interface.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Random } from "../random.ts";
import { Timer } from "../../runtime/scheduler/timers.ts";

/** Between the two reports of a group that was joined, in milliseconds (RFC 2236, section 8.10). */
const UNSOLICITED_INTERVAL = 10_000;

/** What writes the messages of one version. */
export interface MembershipSender {
  /** Tells that this host is in a group. */
  report(group: IpAddress): void;
  /** Tells that it has left it. */
  done(group: IpAddress): void;
}

/** A group, and when it is reported next. */
interface Member {
  readonly group: IpAddress;
  readonly timer: Timer;
}

/** The groups of one version. */
export class Membership {
  readonly #host: Host;
  readonly #random: Random;
  readonly #sender: MembershipSender;
  readonly #members: Member[] = [];

  /** Makes the groups of a host, which is in none that routers are to know. */
  constructor(host: Host, random: Random, sender: MembershipSender) {
    this.#host = host;
    this.#random = random;
    this.#sender = sender;
  }

  /** This host is in a group now. */
  join(group: IpAddress): void {
    const timer = new Timer(() => this.#sender.report(group));
    this.#members.push({ group, timer });
    this.#sender.report(group);
    this.#arm(timer, UNSOLICITED_INTERVAL);
  }

  /** It is no more. */
  leave(group: IpAddress): void {
    const place = this.#members.findIndex((one) => one.group.equals(group));
    if (place < 0) return;
    this.#host.timers.disarm(this.#members[place]!.timer);
    this.#members.splice(place, 1);
    this.#sender.done(group);
  }

  /** A router asks for one group, or for all if that is null, and gives so many milliseconds. */
  queried(group: IpAddress | null, most: number): void {
    for (const member of this.#members) {
      if (group !== null && !member.group.equals(group)) continue;
      const { timer } = member;
      const late = this.#host.time.now + most;
      if (!timer.armed || timer.deadline > late) this.#arm(timer, most);
    }
  }

  /** Another host reported a group: that is enough. */
  heard(group: IpAddress): void {
    const member = this.#members.find((one) => one.group.equals(group));
    if (member !== undefined) this.#host.timers.disarm(member.timer);
  }

  #arm(timer: Timer, most: number): void {
    const delay = (this.#random.next() >>> 0) / 2 ** 32 * most;
    this.#host.timers.arm(timer, this.#host.time.now + delay);
  }
}
