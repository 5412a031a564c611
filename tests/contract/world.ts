/**
 * What a case works with: an open libOS, the one at the other end, and things made of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ending, endingNow, text } from "./answers.ts";
import { End } from "./end.ts";
import type { Sockets, Subject } from "./subject.ts";
import { wait } from "./waits.ts";
import type { LibOS, QToken, QueueDescriptor, SocketAddress } from "../../libos/pdpix.ts";

/** See the module's description. */
export interface World {
  /** What is judged. */
  readonly subject: Subject;
  /** It, open. */
  readonly libos: LibOS;
  /** What it talks with: itself, where it can. */
  readonly peer: LibOS;
}

function streams({ subject }: World): Sockets {
  if (subject.stream === undefined) throw new Error(`${subject.name} has no stream sockets`);
  return subject.stream;
}

function datagrams({ subject }: World): Sockets {
  if (subject.datagram === undefined) throw new Error(`${subject.name} has no datagram sockets`);
  return subject.datagram;
}

/** A stream socket. */
export function socket(world: World, libos: LibOS = world.libos): QueueDescriptor {
  const { domain, type } = streams(world);
  return libos.socket(domain, type);
}

/** An address for stream sockets, that nobody has. */
export function freeAddress(world: World, libos: LibOS = world.libos): SocketAddress {
  return streams(world).address(libos);
}

/** A socket that has an address. */
export interface Bound {
  /** Its descriptor. */
  readonly qd: QueueDescriptor;
  /** Where it is. */
  readonly address: SocketAddress;
}

function bind(libos: LibOS, { domain, type, address }: Sockets): Bound {
  const qd = libos.socket(domain, type);
  libos.bind(qd, address(libos));
  return { qd, address: libos.getsockname(qd) };
}

/** A stream socket that has an address, and does not listen. */
export function bound(world: World, libos: LibOS = world.libos): Bound {
  return bind(libos, streams(world));
}

/** A stream socket that listens. */
export function listening(world: World, libos: LibOS = world.libos, backlog?: number): Bound {
  const socket = bound(world, libos);
  libos.listen(socket.qd, backlog);
  return socket;
}

/** The next connection of a socket that listens. */
export async function accepted(libos: LibOS, listener: QueueDescriptor): Promise<End> {
  const completion = await wait(libos, libos.accept(listener), 2000);
  if (completion.opcode !== "accept") throw new Error(`an accept ended with ${text(completion)}`);
  return new End(libos, completion.accepted);
}

/** Two ends of a connection: `a` is of the libOS that is judged. */
export async function connected(world: World): Promise<{ a: End; b: End }> {
  const { libos, peer } = world;
  const listener = listening(world, peer);
  const a = new End(libos, socket(world));
  const connecting = libos.connect(a.qd, listener.address);
  const b = await accepted(peer, listener.qd);
  assertEquals(await ending(libos, connecting), "connect");
  peer.close(listener.qd);
  return { a, b };
}

/** Connects from the other side to a socket that listens, and accepts. */
export async function meet(
  world: World,
  { qd, address }: Bound,
): Promise<{ client: End; server: End }> {
  const client = new End(world.peer, socket(world, world.peer));
  const connect = client.libos.connect(client.qd, address);
  const server = await accepted(world.libos, qd);
  assertEquals(await ending(client.libos, connect), "connect");
  return { client, server };
}

/**
 * A socket on its way to a listener whose backlog is full, with the token of the connect. Where no backlog is
 * ever full, it is on its way as long as nobody polls.
 */
export async function connecting(world: World): Promise<{ qd: QueueDescriptor; qt: QToken }> {
  const { address } = listening(world, world.peer, 1);
  for (let i = 0; i < 8; i++) {
    const qd = socket(world);
    const qt = world.libos.connect(qd, address);
    if (await endingNow(world.libos, qt) === "pending") return { qd, qt };
  }
  const qd = socket(world);
  return { qd, qt: world.libos.connect(qd, address) };
}

/** Connects a socket; gives how that ended. What stays pending is closed. */
export async function connectTo(
  { libos }: World,
  qd: QueueDescriptor,
  address: SocketAddress,
): Promise<string> {
  const qt = libos.connect(qd, address);
  const answer = await ending(libos, qt);
  if (answer === "pending") {
    libos.close(qd);
    await ending(libos, qt);
  }
  return answer;
}

/** The end of a channel that pushes, and the one that pops. Where there are sockets, it is a connection. */
export async function channel(world: World): Promise<{ from: End; to: End }> {
  const { subject, libos } = world;
  if (subject.channel === undefined) {
    const { a, b } = await connected(world);
    return { from: a, to: b };
  }
  const { from, to } = subject.channel(libos);
  return { from: new End(libos, from), to: new End(libos, to) };
}

/** A datagram socket that has an address. */
export function boundDatagram(world: World, libos: LibOS = world.libos): End & Bound {
  const { qd, address } = bind(libos, datagrams(world));
  return Object.assign(new End(libos, qd), { address });
}

/** A datagram socket without an address. */
export function datagramSocket(world: World, libos: LibOS = world.libos): End {
  const { domain, type } = datagrams(world);
  return new End(libos, libos.socket(domain, type));
}
