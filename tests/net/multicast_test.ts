/**
 * Multicast: a responder and askers in the manner of multicast DNS (RFC 6762), on the loopback interface.
 *
 * @module
 */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  type Datagram,
  datagram,
  type DatagramOptions,
  DemikernelError,
  type LibOS,
} from "../../mod.ts";
import { Namespace } from "../_network/namespace.ts";
import { missingForNetwork } from "../_network/network.ts";
import { needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, netTest, text } from "./_net.ts";

/** The group of multicast DNS (RFC 6762, section 3). */
const GROUP = "224.0.0.251";
/** Joined on the loopback interface, which a socket of 127.0.0.1 sends to as well. */
const GROUPS = [{ group: GROUP, interface: "127.0.0.1" }];

/** A query for the address of one name (RFC 1035, section 4.1). */
function query(name: string): Uint8Array<ArrayBuffer> {
  const labels = name.split(".").flatMap((label) => [label.length, ...bytes(label)]);
  return new Uint8Array([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
}

/** Answers a query: with the question, as one that did not come from port 5353 is owed (RFC 6762, section 6.7). */
function answer(question: Uint8Array, address: number[]): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array([
    ...question,
    0xc0,
    12,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    10,
    0,
    4,
    ...address,
  ]);
  // An authoritative answer, with one record.
  message.set([0x84, 0], 2);
  message[7] = 1;
  return message;
}

/** Answers one query to whoever asked. */
async function respond(responder: Datagram): Promise<void> {
  using question = await responder.pop({ timeout: 2000 });
  await responder.push(answer(question.bytes(), [127, 0, 0, 1]), question.address);
}

netTest("datagram() with groups and reuseAddress makes a responder", async (libos) => {
  using responder = datagram({ libos, reuseAddress: true, groups: GROUPS });
  const { port } = responder.addr;
  using asker = datagram({ libos, hostname: "127.0.0.1" });
  const question = query("demikernel.local");
  const responded = respond(responder);
  await asker.push(question, { hostname: GROUP, port });
  const reply = await asker.pop({ timeout: 2000 });
  await responded;
  assertEquals(reply.toUint8Array(), answer(question, [127, 0, 0, 1]));
  reply.free();
});

netTest("datagram() with reuseAddress shares a port and its groups with others", async (libos) => {
  using one = datagram({ libos, reuseAddress: true, groups: GROUPS });
  const { port } = one.addr;
  using two = datagram({ libos, port, reuseAddress: true, groups: GROUPS });
  // As the responders of other programs are.
  const other = createSocket({ type: "udp4", reuseAddr: true });
  other.bind(port);
  await once(other, "listening");
  other.addMembership(GROUP, "127.0.0.1");
  other.setMulticastInterface("127.0.0.1");
  const received = once(other, "message");
  other.send(bytes("to all"), port, GROUP);
  for (const socket of [one, two]) {
    assertEquals(text(await socket.pop({ timeout: 2000 })), "to all");
  }
  assertEquals(String((await within(received))[0]), "to all");
  other.close();
});

const WILDCARDS: Record<string, string> = { [GROUP]: "0.0.0.0", "ff02::fb": "::" };

for (const [group, hostname] of Object.entries(WILDCARDS)) {
  netTest(`datagram() listens on ${hostname} when it is given the group ${group}`, (libos) => {
    const through = group === GROUP ? "127.0.0.1" : 1;
    using socket = datagram({ libos, groups: [{ group, interface: through }] });
    assertEquals(socket.addr.hostname, hostname);
    return Promise.resolve();
  });
}

netTest("datagram() listens on 0.0.0.0 when it is given no groups", (libos) => {
  for (const options of [{}, { groups: [] }]) {
    using socket = datagram({ libos, ...options });
    assertEquals(socket.addr.hostname, "0.0.0.0");
  }
  return Promise.resolve();
});

netTest("datagram() takes the address of a group for its own", async (libos) => {
  using socket = datagram({ libos, hostname: GROUP, groups: GROUPS });
  using sender = datagram({ libos, hostname: "127.0.0.1" });
  await sender.push(bytes("to the group"), socket.addr);
  assertEquals(text(await socket.pop({ timeout: 2000 })), "to the group");
});

for (const hostname of ["127.0.0.1", "localhost", "::1"]) {
  netTest(`datagram() refuses groups when the hostname is ${hostname}`, (libos: LibOS) => {
    const group = hostname === "::1" ? "ff02::fb" : GROUP;
    const options: DatagramOptions = { libos, hostname, groups: [{ group }] };
    const error = assertThrows(() => datagram(options), DemikernelError);
    assertEquals(error.code, "EINVAL");
    assertStringIncludes(error.message, "leave the hostname out");
    return Promise.resolve();
  });
}

Deno.test({
  ...needing(missingForNetwork(), "a responder on port 5353 answers all that joined the group"),
  async fn() {
    using host = new Namespace();
    host.ip(`route add ${GROUP}/32 dev lo`);
    const program = `
      import { datagram, open } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url))};
      await using libos = open("catnap");
      const to = { hostname: "${GROUP}", port: 5353 };
      const groups = [{ group: to.hostname, interface: "127.0.0.1" }];
      const [responder, asker] = [0, 1].map(() =>
        datagram({ libos, port: 5353, reuseAddress: true, groups })
      );
      // RFC 6762, section 11.
      for (const { qd } of [responder, asker]) libos.setsockopt(qd, "multicastTtl", 255);
      const say = (socket, text) => socket.push(new TextEncoder().encode(text), to);
      const hear = async (socket) => {
        using sga = await socket.pop({ timeout: 2000 });
        console.log(new TextDecoder().decode(sga.bytes()), sga.address.port);
      };
      await say(asker, "question");
      for (const socket of [responder, asker]) await hear(socket);
      await say(responder, "answer");
      for (const socket of [responder, asker]) await hear(socket);
    `;
    const { stdout, stderr } = await host.command(Deno.execPath(), {
      args: ["eval", "--ext=js", program],
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(15_000),
    }).output();
    const [said, complained] = [stdout, stderr].map((one) => new TextDecoder().decode(one));
    assertEquals(complained, "");
    assertEquals(
      said,
      ["question", "question", "answer", "answer"].map((one) => `${one} 5353\n`).join(""),
    );
  },
});
