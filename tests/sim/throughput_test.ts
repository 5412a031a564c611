/**
 * How fast TCP is, beside what published formulas say, and how it repairs what is lost; in the time of the network.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Coroutine } from "../../libos/pdpix.ts";
import { Flows } from "./_flow.ts";

const MSS = 1448;

/** X_Bps of RFC 5348, section 3.1, of a round trip and a timeout in seconds; every byte counts, so b is 1. */
function renoThroughput(rtt: number, timeout: number, loss: number): number {
  const root = Math.sqrt(2 * loss / 3);
  const rest = timeout * 3 * Math.sqrt(3 * loss / 8) * loss * (1 + 32 * loss * loss);
  return MSS / (rtt * root + rest);
}

/** AVG_W_cubic of RFC 9438, section 5.1, in segments, of a round trip in seconds. */
function cubicWindow(rtt: number, loss: number): number {
  const [C, beta] = [0.4, 0.7];
  return (C * (3 + beta) / (4 * (1 - beta))) ** 0.25 * rtt ** 0.75 / loss ** 0.75;
}

function assertNear(actual: number, expected: number, share: number): void {
  const ratio = actual / expected;
  assert(Math.abs(ratio - 1) <= share, `${actual} is ${ratio.toFixed(3)} times ${expected}`);
}

Deno.test("Reno is as fast as RFC 5348, section 3.1, says, within 15 %", () => {
  const rtt = 100;
  for (const every of [100, 400, 1000]) {
    const flows = new Flows({ congestion: "reno", rtt, link: { lossEvery: every } });
    flows.run(20_000);
    const [before] = flows.received;
    flows.pass(200_000);
    const speed = (flows.received[0]! - before!) / 200;
    assertNear(speed, renoThroughput(rtt / 1000, 0.3, 1 / every), 0.15);
  }
});

Deno.test("CUBIC has the average window of RFC 9438, section 5.1, within 15 %", () => {
  const rtt = 400;
  for (const every of [1000, 4000]) {
    const flows = new Flows({ congestion: "cubic", rtt, link: { lossEvery: every } });
    flows.run(60_000);
    const [before] = flows.received;
    flows.pass(400_000);
    const window = (flows.received[0]! - before!) / 400 * (rtt / 1000) / MSS;
    assertNear(window, cubicWindow(rtt / 1000, 1 / every), 0.15);
  }
});

for (const congestion of ["cubic", "reno"] as const) {
  Deno.test(`two flows of ${congestion} share a way fairly: Jain's index is 0.95 at least`, () => {
    const link = { bandwidth: 20e6, queue: 60 };
    const flows = new Flows({ congestion, rtt: 40, link, flows: 2 });
    flows.run(10_000);
    const before = [...flows.received];
    flows.pass(100_000);
    const rates = flows.received.map((bytes, i) => bytes - before[i]!);
    const total = rates[0]! + rates[1]!;
    const index = total ** 2 / (2 * rates.reduce((sum, rate) => sum + rate ** 2, 0));
    assert(index >= 0.95, `${index} of ${rates}`);
    // And they use it: of 20 Mbit/s, headers and gaps take a part.
    assert(total * 8 / 100 > 0.85 * 20e6, `${total * 8 / 100} bit/s`);
  });
}

Deno.test("a burst of 30 losses is repaired in one round trip, without a timeout", () => {
  const rtt = 200;
  const flows = new Flows({ congestion: "cubic", rtt, link: { bandwidth: 12.4e6, queue: 1000 } });
  flows.run(1500);
  const { sender } = flows;
  const [block] = flows.blocks;
  block!.ssthresh = 1;
  flows.pass(600);
  const before = block!.retransmitted;
  sender.link.cut();
  flows.pass(30);
  sender.link.mend();
  let [begin, end, timeouts] = [0, 0, 0];
  const { network } = flows;
  network.runSync([
    (function* (): Coroutine {
      for (let i = 0; i < 1500; i++) {
        yield* sender.operations.sleep(1);
        if (block!.afterTimeout) timeouts++;
        if (block!.recovering && begin === 0) begin = network.now;
        if (!block!.recovering && begin > 0 && end === 0) end = network.now;
      }
    })(),
  ]);
  const lost = block!.retransmitted - before;
  assert(lost >= 25 && lost <= 35, `${lost} sent again`);
  assertEquals(timeouts, 0);
  // From the first retransmission to the acknowledgment of the last one: a round trip, and the time to send 30 of them.
  const queued = block!.srtt / 1000;
  assert(end > begin && end - begin < 1.3 * Math.max(rtt, queued), `${end - begin} of ${queued}`);
});

Deno.test("a lost tail is repaired by a probe within two round trips", () => {
  const rtt = 100;
  const flows = new Flows({ congestion: "cubic", rtt, link: { bandwidth: 1e9 }, push: 20 * MSS });
  // The connection is known to be good for 40 segments in flight.
  flows.run(2000, 200 * MSS);
  const [block] = flows.blocks;
  assertEquals(block!.sndUna, block!.sndMax);
  const before = flows.received[0]!;
  const { sender, network } = flows;
  const begin = network.now;
  // The last three of ten are lost.
  network.runSync([
    (function* (): Coroutine {
      yield* sender.operations.sleep(0);
      let count = 0;
      const { device } = sender;
      const commit = device.commit.bind(device);
      device.commit = (length: number) => {
        if (++count <= 7) commit(length);
      };
      yield* flows.connections[0]!.push(sender.alloc(10 * MSS));
      device.commit = commit;
      while (flows.received[0]! < before + 10 * MSS) yield* sender.operations.sleep(1);
    })(),
  ]);
  // Half a round trip until the rest has arrived, another one until that is known; two more, and the way back.
  const late = network.now - begin - rtt;
  assert(late <= 2 * rtt + 1.5 * rtt + 10, `${late} ms`);
  assertEquals(block!.retransmits, 0);
});
