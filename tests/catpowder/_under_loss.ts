/**
 * Megabytes over a link with faults, between the kernel and catpowder, or the kernel and itself.
 *
 * @module
 */

import type { Faults, FaultyLink } from "../_network/faulty_link.ts";
import { OURS, prefixed } from "../_network/link.ts";
import { Program } from "../examples/_program.ts";

const CLIENT = new URL("_transfer_client.ts", import.meta.url).pathname;

/** Everything at once: losses, duplicates, marks of congestion, and a queue in which frames wait. */
export const ALL_FAULTS: Faults = { loss: 10, duplicate: 10, mark: 5, queue: [400, 10] };

/** What came of a transfer. */
export interface Transfer {
  /** The SHA-256 of what was sent, or came, at the kernel's end. */
  readonly here: string;
  /** That of the other end; empty where that has sent. */
  readonly there: string;
  /** How long it took. */
  readonly seconds: number;
}

/** The server of transfers at our end of a link: on catpowder, or on the kernel's stack. */
export function serveTransfers(link: FaultyLink, on: "catpowder" | "catnap"): Promise<Program> {
  const { host, device } = link.port;
  const env = on === "catnap" ? { LIBOS: "catnap" } : {
    LIBOS: "catpowder",
    DEVICE: device,
    ADDRESS: prefixed(OURS).join(" "),
  };
  const hostname = on === "catnap" ? ["--hostname", OURS.inet] : [];
  return Program.start("../tests/catpowder/_transfer", hostname, { host, env });
}

/** The kernel sends (`up`) or takes so many megabytes. */
export async function transfer(
  link: FaultyLink,
  port: number,
  way: "up" | "down",
  megabytes: number,
): Promise<Transfer> {
  const args = ["run", "-A", CLIENT, OURS.inet, String(port), way, String(megabytes)];
  const { stdout, stderr } = await link.kernel.command(Deno.execPath(), { args }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (out === "") throw new Error(err);
  return JSON.parse(out!);
}
