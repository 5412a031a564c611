/**
 * catpowder beside the Linux kernel over a link that loses: `deno task loss [THOUSANDTHS…]`; needs root.
 *
 * Goodput at some rates of loss, of either as sender and receiver against the kernel, in turns, and the ratio of the medians.
 *
 * @module
 */

import { type Faults, FaultyLink } from "../_network/faulty_link.ts";
import { serveTransfers, transfer } from "./_under_loss.ts";

const ROUNDS = 3;
/** What the link takes, so that it is the link which is measured and not how fast a process is. */
const QUEUE = [50, 20] as const;
/** Some three seconds of that. */
const MEGABYTES = 15;
const LOSSES = [1, 10, 30];

/** The goodput of each way, in megabits a second. */
async function measure(on: "catpowder" | "catnap", faults: Faults): Promise<[number, number]> {
  using link = new FaultyLink(on === "catnap" ? "kernel" : "libos");
  await link.set(faults);
  await using server = await serveTransfers(link, on);
  const rates: number[] = [];
  for (const way of ["up", "down"] as const) {
    const { seconds } = await transfer(link, server.port, way, MEGABYTES);
    rates.push(MEGABYTES * 8.388608 / seconds);
  }
  return [rates[0]!, rates[1]!];
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

for (const loss of Deno.args.length > 0 ? Deno.args.map(Number) : LOSSES) {
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const on of ["catnap", "catpowder"] as const) {
      const [up, down] = await measure(on, { loss, queue: QUEUE });
      (rates[`${on} receives`] ??= []).push(up);
      (rates[`${on} sends`] ??= []).push(down);
    }
  }
  for (const way of ["sends", "receives"]) {
    const [ours, linux] = ["catpowder", "catnap"].map((on) => middle(rates[`${on} ${way}`]!));
    const ratio = (ours! / linux!).toFixed(2);
    const rest = `${ours!.toFixed(1)} Mbit/s, Linux ${linux!.toFixed(1)}, ratio ${ratio}`;
    console.log(`loss ${loss / 10} %: catpowder ${way} ${rest}`);
  }
}
