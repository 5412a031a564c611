/**
 * A way that takes smaller packets than both of its ends: a router on it says so (RFC 1191, RFC 8201), and it is said once for all
 * who send there.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { connect, type Connection, datagram, serve } from "../../libos/net/mod.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { layOutIcmp, layOutPacket, PROTOCOL } from "../packets/_runner/wire.ts";
import type { SimHost } from "../../libos/sim/host.ts";
import { simulate } from "../../libos/sim/network.ts";

const LINK = 14;
const MINUTE = 60_000;

/** What a router answers a packet with that was too big. */
function tooBig(frame: Uint8Array, mtu: number): Uint8Array<ArrayBuffer> {
  const six = frame[12] === 0x86;
  const [at, size, quoted] = six ? [LINK + 8, 16, 1200] : [LINK + 12, 4, 28];
  const back = IpAddress.of(frame.slice(at, at + size));
  const router = IpAddress.parse(six ? "fd00::77" : "10.0.0.77")!;
  const protocol = six ? PROTOCOL.icmpv6 : PROTOCOL.icmp;
  const header = { source: router, destination: back, protocol, tos: 0, ttl: 64 };
  const [type, code] = six ? [2, 0] : [3, 4];
  const about = frame.subarray(LINK, LINK + quoted);
  const packet = layOutPacket(header, layOutIcmp(header, type, code, mtu, about));
  const answer = new Uint8Array(LINK + packet.length);
  answer.set(frame.subarray(6, 12));
  answer.set(frame.subarray(0, 6), 6);
  answer.set(frame.subarray(12, 14), 12);
  answer.set(packet, LINK);
  return answer;
}

/** Two hosts, and a router before the second, whose link takes less. */
function narrow(mtu: number) {
  const network = simulate({ seed: 1, check: true });
  const [a, b] = [1, 2].map((number) =>
    network.host({ addresses: [`10.0.0.${number}/24`, `fd00::${number}/64`] }) as SimHost
  ) as [SimHost, SimHost];
  const refused: number[] = [];
  const arrive = b.device.arrive.bind(b.device);
  b.device.arrive = (frame) => {
    const size = frame.length - LINK;
    if (size <= mtu) return arrive(frame);
    refused.push(size);
    a.device.arrive(tooBig(frame, mtu));
  };
  return { network, a, b, refused };
}

for (const [hostname, mtu] of [["10.0.0.2", 1000], ["fd00::2", 1300]] as const) {
  Deno.test(`of two connections to ${hostname} the second sends nothing that is too big, until ten minutes have passed`, async () => {
    const { network, a, b, refused } = narrow(mtu);
    serve({ libos: b, hostname, port: 7 }, async (connection: Connection) => {
      let size = 0;
      for await (const sga of connection) size += sga.bytes().length;
      await connection.push(Uint8Array.of(size >> 8, size & 255));
    });
    const send = async () => {
      const before = refused.length;
      using connection = await connect({ libos: a, hostname, port: 7 });
      await connection.push(new Uint8Array(20_000));
      connection.closeWrite();
      using sga = await connection.pop();
      assertEquals([...sga!.bytes()], [20_000 >> 8, 20_000 & 255]);
      return refused.length - before;
    };
    await network.run(async () => {
      assert(await send() > 0);
      assertEquals(await send(), 0);
      await a.operations.sleep(9 * MINUTE);
      assertEquals(await send(), 0);
      await a.operations.sleep(MINUTE);
      assert(await send() > 0);
    });
    await network.close();
  });
}

Deno.test("datagrams are cut as small as a connection learnt, and a connection begins as small as datagrams were cut", async () => {
  for (const first of ["datagram", "connection"]) {
    const { network, a, b, refused } = narrow(1300);
    serve({ libos: b, hostname: "fd00::2", port: 7 }, async (connection: Connection) => {
      for await (const _ of connection);
    });
    using to = datagram({ libos: b, hostname: "::", port: 9 });
    using from = datagram({ libos: a, hostname: "::", port: 0 });
    const tell = async () => {
      await from.push(new Uint8Array(3000), { hostname: "fd00::2", port: 9 });
      await a.operations.sleep(100);
    };
    const stream = async () => {
      using connection = await connect({ libos: a, hostname: "fd00::2", port: 7 });
      await connection.push(new Uint8Array(3000));
      await a.operations.sleep(100);
    };
    await network.run(async () => {
      await (first === "datagram" ? tell() : stream());
      const before = refused.length;
      assert(before > 0);
      if (first === "datagram") await stream();
      await tell();
      using sga = await to.pop();
      assertEquals([sga.bytes().length, refused.length], [3000, before]);
    });
    await network.close();
  }
});

Deno.test("a router is not believed about a datagram that no socket can have sent (RFC 5927)", async () => {
  const { network, a, b } = narrow(1500);
  const frames: Uint8Array[] = [];
  const { arrive } = b.device;
  b.device.arrive = (frame) => {
    frames.push(frame);
    arrive(frame);
  };
  const [from, to] = [a.socket("inet6", "dgram"), { hostname: "fd00::2", port: 9 }];
  await network.run(async () => {
    await a.operations.connect(from, to);
    await a.operations.push(from, a.alloc(1400));
    await a.operations.sleep(1);
  });
  const sent = frames.find(({ length }) => length === LINK + 40 + 8 + 1400)!;
  const mtuTo = (address: string) => a.stack.tcp.output.paths.of(IpAddress.parse(address)!, 1500);
  const lie = async (change: (frame: Uint8Array) => void) => {
    const frame = sent.slice();
    change(frame);
    a.device.arrive(tooBig(frame, 1300));
    await network.run(async () => await a.operations.sleep(1));
    return [mtuTo("fd00::2"), mtuTo("fd00::3")];
  };
  assertEquals(await lie((frame) => frame[LINK + 39] = 3), [1500, 1500], "another destination");
  assertEquals(await lie((frame) => frame[LINK + 41]! ^= 1), [1500, 1500], "another own port");
  assertEquals(await lie((frame) => frame[LINK + 43]! ^= 1), [1500, 1500], "another port");
  assertEquals(await lie(() => {}), [1300, 1500]);
  a.close(from);
  await network.close();
});
