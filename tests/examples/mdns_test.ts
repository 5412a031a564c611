/**
 * The responder for multicast DNS as a program, for the resolver of Deno and for sockets of Node.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { within } from "../runtime/_assert.ts";
import { CLIENT, HOSTNAME, Program } from "./_program.ts";

const GROUP = "224.0.0.251";
/** What it answers. */
const ADDRESS = HOSTNAME.split(".").map(Number);

/** A query for the addresses of a name, with a number and a class. */
function query(name: string, id = 7, group = 1, type = 1): Uint8Array {
  const labels = name.split(".").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  return Uint8Array.from([0, id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, ...[
    group >> 8,
    group & 255,
  ]]);
}

/** A socket that is closed in the end. */
async function open(port: number): Promise<Socket & AsyncDisposable> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.bind(port, port === 0 ? CLIENT : undefined);
  await once(socket, "listening");
  return Object.assign(socket, {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  });
}

/** The next datagram. */
async function next(socket: Socket): Promise<{ message: number[]; from: RemoteInfo }> {
  const [message, from] = await within(once(socket, "message"), 5) as [Uint8Array, RemoteInfo];
  return { message: [...message], from };
}

Deno.test("mdns answers a plain resolver, in any case, and nobody who asks for others", async () => {
  await using program = await Program.start("mdns", ["--name", "Lamp"]);
  const options = { nameServer: { ipAddr: HOSTNAME, port: program.port } };
  assertEquals(await within(Deno.resolveDns("lamp.local", "A", options), 5), [HOSTNAME]);
  assertEquals(await within(Deno.resolveDns("LAMP.Local", "A", options), 5), [HOSTNAME]);
  await using socket = await open(0);
  // Only the last is a query for it; an answer, what is cut off, and a pointer to itself are not.
  const reply = query("lamp.local");
  reply[2] = 0x84;
  const loop = [0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
  const whole = query("lamp.local", 9);
  for (
    const message of [query("other.local"), reply, Uint8Array.from(loop), whole.subarray(0, 20)]
  ) {
    socket.send(message, program.port, HOSTNAME);
  }
  socket.send(whole, program.port, HOSTNAME);
  const { message } = await next(socket);
  assertEquals(message.slice(0, 2), [0, 9]);
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("mdns answers what is sent to the group, as RFC 6762 says", async () => {
  await using program = await Program.start("mdns");
  const { port } = program;
  const record = [...query("demikernel.local").slice(12, -4), 0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4];
  const header = [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
  const answer = [...header, ...record, ...ADDRESS];

  // Another responder, of the same port: the answer is for the group.
  await using responder = await open(port);
  responder.addMembership(GROUP, CLIENT);
  responder.setMulticastInterface(CLIENT);
  responder.setMulticastLoopback(true);
  const fromProgram = async () => {
    for (;;) {
      const { message } = await next(responder);
      if (message[2] === 0x84) return message;
    }
  };
  responder.send(query("demikernel.local"), port, GROUP);
  assertEquals(await fromProgram(), answer);

  // A simple resolver, of a port of its own: the question comes back, to it alone.
  await using simple = await open(0);
  simple.setMulticastInterface(CLIENT);
  simple.send(query("demikernel.local", 8, 1, 255), port, GROUP);
  const { message, from } = await next(simple);
  const question = [...query("demikernel.local", 8, 1, 255).slice(12)];
  const plain = [...query("demikernel.local").slice(12), 0, 0, 0, 10, 0, 4, ...ADDRESS];
  assertEquals(message, [0, 8, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...plain]);
  assertEquals([from.address, from.port], [HOSTNAME, port]);
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});
