/**
 * A server of which each Worker has a queue of one interface, and all have the same address: `_queues.ts INTERFACE QUEUES
 * NEIGHBOUR`, where the neighbour is an IPv4 address with an Ethernet address, by `@`. Echoes on TCP port 7. Prints `ready`,
 * and on SIGTERM how many connections each Worker had, as JSON.
 *
 * @module
 */

import { open, serve } from "../../mod.ts";
import { OURS, prefixed } from "../_network/link.ts";

if (!("WorkerGlobalScope" in globalThis)) await main();
else self.onmessage = ({ data }) => work(data);

async function main(): Promise<void> {
  const [name, queues, neighbour] = Deno.args;
  const ended = new Promise((resolve) => Deno.addSignalListener("SIGTERM", () => resolve(null)));
  const workers = [];
  for (let queue = 0; queue < Number(queues); queue++) {
    const worker = new Worker(import.meta.url, { type: "module" });
    await ask(worker, { name, queue, neighbour: neighbour!.split("@") });
    workers.push(worker);
  }
  console.log("ready");
  await ended;
  console.log(JSON.stringify(await Promise.all(workers.map((worker) => ask(worker, null)))));
  Deno.exit();
}

function ask(worker: Worker, message: unknown): Promise<unknown> {
  const answer = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  worker.postMessage(message);
  return answer;
}

function work(
  { name, queue, neighbour }: { name: string; queue: number; neighbour: [string, string] },
): void {
  const libos = open({
    libos: "catpowder",
    // In the kernel behind it, a veth has one queue.
    device: `xdp:${name}:${queue},mode=native`,
    addresses: prefixed(OURS),
    neighbours: Object.fromEntries([neighbour]),
  });
  let connections = 0;
  serve({ libos, hostname: OURS.inet, port: 7 }, async (connection) => {
    connections++;
    for await (const sga of connection) await connection.push(sga);
  });
  self.onmessage = async () => {
    await libos.exit();
    self.postMessage(connections);
  };
  self.postMessage("serves");
}
