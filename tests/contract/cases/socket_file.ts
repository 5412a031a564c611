/**
 * The files of Unix sockets.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, ending, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { accepted, socket, type World } from "../world.ts";
import type { QueueDescriptor, UnixAddress } from "../../../libos/pdpix.ts";

/** The address of a file that is not there. */
function freeFile(world: World): UnixAddress {
  return { path: world.subject.stream!.file!() };
}

/** Binds a socket to a file, which may be there. */
function bindTo(world: World, address: UnixAddress, reuseAddress = false): QueueDescriptor {
  const qd = socket(world);
  if (reuseAddress) world.libos.setsockopt(qd, "reuseAddress", true);
  world.libos.bind(qd, address);
  return qd;
}

/** What is at a path. */
function what({ path }: UnixAddress): string {
  try {
    return Deno.lstatSync(path).isSocket ? "socket" : "other";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    throw error;
  }
}

/** The address of a file that a socket left behind, as one does whose process was killed. */
function staleFile(world: World): UnixAddress {
  const address = freeFile(world);
  const other = freeFile(world);
  const qd = bindTo(world, other);
  Deno.renameSync(other.path, address.path);
  world.libos.close(qd);
  assertEquals([what(other), what(address)], ["nothing", "socket"]);
  return address;
}

/** See the module's description. */
export const SOCKET_FILE: readonly Case[] = [
  {
    id: "file/close",
    needs: ["stream", "file"],
    rule: "The file comes with the bind and goes with the close; the address is free then.",
    pdpix: "socket nothing ok",
    run(world) {
      const address = freeFile(world);
      const qd = bindTo(world, address);
      const before = what(address);
      world.libos.close(qd);
      return list([before, what(address), code(() => bindTo(world, address))]);
    },
  },
  {
    id: "file/exit",
    needs: ["stream", "file"],
    rule: "It goes when the libOS is closed, too.",
    pdpix: "nothing",
    exits: true,
    async run(world) {
      const address = freeFile(world);
      world.libos.listen(bindTo(world, address));
      await world.libos.exit();
      return what(address);
    },
  },
  {
    id: "file/accepted",
    needs: ["stream", "file"],
    rule: "It is the listener's: connections leave it where it is.",
    pdpix: "socket",
    async run(world) {
      const { libos } = world;
      const address = freeFile(world);
      const listener = bindTo(world, address);
      libos.listen(listener);
      const client = socket(world);
      const qt = libos.connect(client, address);
      (await accepted(libos, listener)).close();
      assertEquals(await ending(libos, qt), "connect");
      libos.close(client);
      return what(address);
    },
  },
  {
    id: "file/another",
    needs: ["stream", "file"],
    rule: "What is there by then in its place is somebody else's, and stays.",
    pdpix: "socket other",
    run(world) {
      const { libos } = world;
      const addresses = [freeFile(world), freeFile(world)] as const;
      const [one, two] = addresses.map((address) => bindTo(world, address));
      for (const { path } of addresses) Deno.removeSync(path);
      bindTo(world, addresses[0]);
      Deno.writeTextFileSync(addresses[1].path, "");
      libos.close(one!);
      libos.close(two!);
      const left = list(addresses.map(what));
      Deno.removeSync(addresses[1].path);
      return left;
    },
  },
  {
    id: "file/stale",
    needs: ["stream", "file"],
    rule:
      "One that a socket left which is gone is in the way, unless reuseAddress is set: then it is replaced.",
    pdpix: "EADDRINUSE ok connect",
    async run(world) {
      const { libos } = world;
      const address = staleFile(world);
      const answers = [code(() => bindTo(world, address))];
      answers.push(code(() => libos.listen(bindTo(world, address, true))));
      answers.push(await ending(libos, libos.connect(socket(world), address)));
      return list(answers);
    },
  },
  {
    id: "file/in-use",
    needs: ["stream", "file"],
    rule:
      "One that somebody is bound to is never replaced, and a listener does not notice; nor what is no socket.",
    pdpix: "EADDRINUSE EADDRINUSE EADDRINUSE pending",
    async run(world) {
      const { libos } = world;
      const [address, other] = [freeFile(world), freeFile(world)];
      const qd = bindTo(world, address);
      const answers = [code(() => bindTo(world, address, true))];
      libos.listen(qd);
      const accept = libos.accept(qd);
      answers.push(code(() => bindTo(world, address, true)));
      Deno.writeTextFileSync(other.path, "");
      answers.push(code(() => bindTo(world, other, true)));
      Deno.removeSync(other.path);
      answers.push(await ending(libos, accept, undefined, 50));
      libos.close(qd);
      await ending(libos, accept);
      return list(answers);
    },
  },
];
