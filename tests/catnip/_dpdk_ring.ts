/**
 * A port of DPDK whose frames come back to it, as a program, since EAL stays in its process: `_dpdk_ring.ts EAL…`. Opens it
 * with several mtus, one after the other, and sends a frame of the largest size each time. Prints which lengths came back,
 * as JSON.
 *
 * @module
 */

import { DpdkDevice } from "../../libos/devices/dpdk/dpdk.ts";
import { ETHERNET_HEADER } from "../../libos/inetstack/device.ts";

const lengths: number[] = [];
const sink = { frame: (_: number, length: number) => void lengths.push(length) };
// To more, which takes another pool; to less, which does not; and with what it runs with already.
for (const mtu of [1500, 9000, 1500, 1500]) {
  const device = new DpdkDevice({ kind: "dpdk", eal: Deno.args, mtu });
  device.reserve();
  device.commit(ETHERNET_HEADER + mtu);
  device.flush();
  device.receive(sink, 1);
  device.close();
}
console.log(JSON.stringify(lengths));
Deno.exit();
