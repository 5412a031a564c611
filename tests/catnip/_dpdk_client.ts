/**
 * A client on DPDK, as a program, since EAL stays in its process: `_dpdk_client.ts ADDRESS PORT BYTES EAL…`. Sends so many
 * bytes to an echo and reads them back, closes, opens again and does the same. Prints what was seen, as JSON.
 *
 * @module
 */

import { connect, open } from "../../mod.ts";

const [hostname, port, bytes, ...eal] = Deno.args;
const size = Number(bytes);
const rounds = [];
for (let round = 0; round < 2; round++) {
  const libos = open({
    libos: "catnip",
    device: { kind: "dpdk", eal },
    addresses: ["10.0.0.1/24"],
  });
  const connection = await connect({ libos, hostname: hostname!, port: Number(port) });
  const pushed = connection.push(new Uint8Array(size).map((_, i) => i * 7));
  let right = 0;
  for (let left = size; left > 0;) {
    using sga = (await connection.pop())!;
    for (const byte of sga.bytes()) right += byte === ((size - left--) * 7 & 255) ? 1 : 0;
  }
  await pushed;
  connection.close();
  const { device } = libos.statistics();
  await libos.exit();
  rounds.push({ right, device });
}
console.log(JSON.stringify(rounds));
Deno.exit();
