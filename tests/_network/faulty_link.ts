/**
 * A link that loses, doubles and delays frames, between two hosts of the kernel's, or of one and of a libOS: a host in the
 * middle hands over what comes (nftables' netdev family), behind a queue of some length (tc's tbf).
 *
 * @module
 */

import { INTERFACE, OURS, type Port, prefixed, THEIRS } from "./link.ts";
import { Namespace } from "./namespace.ts";

/** The one algorithm that the kernel has in every namespace, whatever the system's is. */
const RENO = "echo reno > /proc/sys/net/ipv4/tcp_congestion_control";

/** What a link does to frames, each way. */
export interface Faults {
  /** How many of a thousand are lost. */
  readonly loss: number;
  /** How many of a thousand come twice. */
  readonly duplicate?: number;
  /** How many of a thousand IPv4 packets are marked as having found congestion, of those that may be (RFC 3168). */
  readonly mark?: number;
  /** Megabits a second that it takes, and for how many milliseconds frames may wait for their turn; no queue by default. */
  readonly queue?: readonly [megabits: number, milliseconds: number];
}

/** See the module's description. */
export class FaultyLink implements Disposable {
  /** The end that has {@linkcode OURS}: as a libOS opens it, unless the kernel has it. */
  readonly port: Port;
  /** The host that has {@linkcode THEIRS}. */
  readonly kernel: Namespace;
  readonly #middle: Namespace;
  readonly #made: DisposableStack;

  /** Makes one, at first without faults; the kernel has both ends for `"kernel"`. Throws {@linkcode NetworkUnavailableError}. */
  constructor(ours: "libos" | "kernel") {
    using made = new DisposableStack();
    const [host, middle, kernel] = [0, 1, 2].map(() => made.use(new Namespace()));
    this.kernel = kernel!;
    this.#middle = middle!;
    this.port = { host: host!, device: `packet:${INTERFACE}` };
    const ends = [["end0", host!, ours === "kernel" ? OURS : null], [
      "end1",
      kernel!,
      THEIRS,
    ]] as const;
    for (const [name, end, addresses] of ends) {
      middle!.ip(`link add ${name} type veth peer name ${INTERFACE} netns ${end.path}`);
      middle!.ip(`link set ${name} up addrgenmode none`);
      end.ip(`link set ${INTERFACE} up addrgenmode none`);
      // Segments as a network has them, or one loss would be of dozens.
      end.ethtool(`-K ${INTERFACE} tx off tso off gso off gro off`);
      end.command("sh", { args: ["-c", RENO] }).outputSync();
      for (const address of addresses === null ? [] : prefixed(addresses)) {
        end.ip(`address add ${address} dev ${INTERFACE}${address.includes(":") ? " nodad" : ""}`);
      }
    }
    this.#made = made.move();
  }

  /** Does so from now on. */
  async set({ loss, duplicate = 0, mark = 0, queue }: Faults): Promise<void> {
    const chain = (from: string, to: string) => `
      table netdev ${from} {
        chain in {
          type filter hook ingress device "${from}" priority 0;
          numgen random mod 1000 < ${loss} drop
          ip ecn { ect0, ect1 } numgen random mod 1000 < ${mark} ip ecn set ce
          numgen random mod 1000 < ${duplicate} dup to "${to}"
          fwd to "${to}"
        }
      }`;
    const limit = queue === undefined
      ? "true"
      : ["end0", "end1"].map((name) =>
        `tc qdisc replace dev ${name} root tbf rate ${queue[0]}mbit burst 16k latency ${queue[1]}ms`
      ).join(" && ");
    const rules = `flush ruleset\n${chain("end0", "end1")}\n${chain("end1", "end0")}\n`;
    await run(this.#middle, `${limit} && nft -f - <<'END'\n${rules}END\n`);
  }

  /** Lets go of the hosts. */
  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

async function run(host: Namespace, line: string): Promise<void> {
  const { success, stderr } = await host.command("bash", { args: ["-c", line] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
