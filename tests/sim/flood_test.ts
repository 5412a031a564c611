/**
 * A flood of SYNs beside those who mean it: 100 000 a second for 10 s of the network's time (RFC 4987).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { accepted, frameOf, PEER, stateOf, tcpOf, TestHost } from "../inetstack/_host.ts";

const SECONDS = 10;
const PER_MILLISECOND = 100;

Deno.test("100 000 SYNs a second for 10 s stop no connection, and keep nobody out", () => {
  const host = new TestHost();
  const peer = accepted(host, { sackOk: true });
  const listener = host.listen(64, { port: 81 });
  let random = 1;
  let [exchanged, joined, most] = [0, 0, 0];
  const syn = frameOf(6, tcpOf({ flags: "S", seq: 0xfffe, mss: 1460, ports: [1, 81] }, PEER));
  const view = new DataView(syn.buffer);
  for (let ms = 0; ms < 1000 * SECONDS; ms++) {
    host.now++;
    for (let i = 0; i < PER_MILLISECOND; i++) {
      // Ports and numbers are anybody's; the sum of both has to stay what it is.
      random = Math.imul(random, 1_103_515_245) + 12_345 | 0;
      const port = 1 + (random >>> 1) % 65_535;
      view.setUint16(34, port);
      view.setUint16(40, 0xffff - port);
      host.device.incoming.push(syn.slice());
    }
    while (host.device.incoming.length > 0) host.stack.poll(host.now);
    const answers = host.device.take().length;
    // One for each, and what is half-open is answered again.
    assert(answers <= PER_MILLISECOND + 64, `${answers}`);
    if (ms % 100 === 0) {
      // The one goes on,
      peer.send("P.", 1 + exchanged, 1 + exchanged, { text: "x" });
      assertEquals(host.take(peer.connection), "x");
      host.push(peer.connection, "y");
      assertEquals(peer.sent().length, 1);
      exchanged++;
      // and the others get in.
      const ports = [20_000 + joined, 81] as const;
      const [answer] = host.segments({ flags: "S", seq: 700, mss: 1460, ports });
      const ack = (answer!.seq + 1) | 0;
      host.segments({ flags: "P.", seq: 701, ack, text: "hi", ports });
      const connection = listener.accept()!;
      assertEquals([stateOf(connection), host.take(connection)], ["ESTABLISHED", "hi"]);
      host.stack.tcp.abort(connection);
      host.device.take();
      joined++;
    }
    most = Math.max(most, host.stack.tcp.size);
  }
  assertEquals([exchanged, joined], [100, 100]);
  assertEquals(stateOf(peer.connection), "ESTABLISHED");
  assert(most <= 64 + 2, `${most} connections`);
  assert(host.stack.counters.tcpCookiesSent > 900_000, `${host.stack.counters.tcpCookiesSent}`);
});
