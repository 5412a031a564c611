/**
 * memif links: other ends that come and go, and what they have to agree on.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { AF, SOCK } from "../../ffi/libc/constants.ts";
import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import { checkDeviceLibOS } from "../../libos/devices/options.ts";
import { DemikernelError } from "../../mod.ts";
import { TYPE } from "../../libos/devices/memif/layout.ts";
import { libc } from "../../ffi/libc/load.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { failing, type Fault, lying } from "../catnap/_faults.ts";
import type { MemifDevice } from "../../libos/devices/memif/memif.ts";
import type { MemifOptions } from "../../libos/devices/memif/options.ts";
import {
  checkFrames,
  freshSocket,
  LENGTHS,
  openDevice,
  Pair,
  settle,
  take,
  test,
} from "./_pair.ts";
import { RawClient } from "./_raw_client.ts";

test("a memif link comes back when the client, or the server, was closed and opened again", () => {
  const pair = new Pair();
  for (let i = 0; i < 10; i++) {
    pair.restartClient();
    checkFrames(pair.client, pair.server, LENGTHS);
    checkFrames(pair.server, pair.client, LENGTHS);
  }
  assertEquals(pair.server.counters.links, 11);
  pair[Symbol.dispose]();

  const socket = freshSocket();
  const client = openDevice({ socket });
  for (let i = 0; i < 5; i++) {
    const server = openDevice({ socket, role: "server" });
    const until = performance.now() + 5000;
    while (client.counters.link !== "up" && performance.now() < until) {
      take(client);
      take(server);
    }
    checkFrames(client, server, LENGTHS);
    server.close();
    take(client);
    assertStringIncludes(
      client.counters.link,
      "down: the other end says: the interface was closed",
    );
  }
  client.close();
});

test("a memif client that comes again is welcome before anybody saw that it went", () => {
  const pair = new Pair();
  const { client } = pair;
  client.close();
  pair.client = openDevice({ socket: pair.socket });
  // One look at the socket, which sees both.
  pair.server.prepareToPark();
  pair.server.receive({ frame: () => {} }, 1);
  pair.settle();
  assertEquals(pair.client.counters.links, 1);
  assertEquals(pair.server.counters.links, 2);
  pair[Symbol.dispose]();
});

test("a memif link does not end for an errno that somebody else left", () => {
  using pair = new Pair();
  using lies = lying("recvmsg", ["ENOENT", 0]);
  take(pair.client);
  take(pair.server);
  assertEquals([lies.calls, pair.client.counters.links, pair.server.counters.links], [2, 1, 1]);
});

/** Which watch of a link with two rings each way is refused: of the sockets, then of the rings. */
const UNWATCHED: readonly [what: string, nth: number, who: "client" | "server"][] = [
  ["its client's socket", 0, "client"],
  ["its server's socket", 1, "server"],
  ["its server's second ring", 3, "server"],
  ["its client's second ring", 5, "client"],
];

for (const [what, nth, who] of UNWATCHED) {
  test(`a memif link whose end cannot watch ${what} is told, left and made again`, () => {
    const socket = freshSocket();
    // It has nobody to connect to yet.
    const client = openDevice({ socket, queues: 2 });
    const server = openDevice({ socket, role: "server" });
    const device = { client, server }[who];
    const watched = watchedBy(device);
    try {
      {
        const faults: Fault[] = new Array(nth).fill(null);
        using failures = failing("epoll_ctl", [...faults, "ENOSPC"]);
        const until = performance.now() + 5000;
        while (failures.calls <= nth && performance.now() < until) {
          receiveUntil(client, () => failures.calls > nth);
          receiveUntil(server, () => failures.calls > nth);
        }
        // The other end did not hear of it yet, and has open what both had.
        assertStringIncludes(device.counters.link, "down: epoll_ctl failed");
        assertEquals(watchedBy(device), watched);
      }
      settle(server, client);
      checkFrames(client, server, LENGTHS);
      checkFrames(server, client, LENGTHS);
    } finally {
      client.close();
      server.close();
    }
  });
}

/** Lets a device look until a condition holds, but not for ever. */
function receiveUntil(device: MemifDevice, condition: () => boolean): void {
  for (let i = 0; i < 100 && !condition(); i++) device.receive({ frame: () => {} }, 64);
}

/** How many descriptors wake a device. */
function watchedBy(device: MemifDevice): number {
  return Deno.readTextFileSync(`/proc/self/fdinfo/${device.fd}`).split("tfd:").length - 1;
}

test("a second client is told that there is one already", () => {
  using pair = new Pair();
  const { server } = pair;
  const raw = new RawClient(pair.socket);
  for (let i = 0; i < 50; i++) take(server);
  assertEquals(raw.receive(), TYPE.HELLO);
  assertEquals(raw.receive(), TYPE.DISCONNECT);
  assertStringIncludes(raw.reason, "already connected");
  raw.close();
  checkFrames(pair.client, server, LENGTHS);
});

test("a memif server at a path takes the place of one that is gone, and of nobody else", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const socket = `${folder}/memif.sock`;
    const { socket: open, bind, close } = libc();
    const fd = open(AF.UNIX, SOCK.SEQPACKET | SOCK.CLOEXEC, 0);
    const address = encodeSockaddr({ path: new TextEncoder().encode(socket) });
    bind(fd, address, address.length);
    close(fd);
    assertEquals((await Deno.lstat(socket)).isSocket, true);
    const server = openDevice({ socket, role: "server" });
    const error = assertThrows(() => openDevice({ socket, role: "server" }), DemikernelError);
    assertEquals(error.code, "EADDRINUSE");
    server.close();
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
    await Deno.writeTextFile(socket, "precious");
    assertThrows(() => openDevice({ socket, role: "server" }), DemikernelError, "EADDRINUSE");
    assertEquals(await Deno.readTextFile(socket), "precious");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("both ends of a memif link need the same secret", () => {
  using pair = new Pair({ secret: "four and twenty letters!" });
  checkFrames(pair.client, pair.server, LENGTHS);
});

test("a memif device that is given as text has a secret of digits as text, and numbers as numbers", () => {
  const device = "memif:@memif:7,secret=0123,ringSize=16";
  const checked = checkDeviceLibOS("catnip", ["memif"], { device, addresses: ["10.0.0.2/24"] });
  assertEquals(checked.device, {
    kind: "memif",
    socket: "@memif",
    id: 7,
    secret: "0123",
    ringSize: 16,
  });
});

const WRONG: readonly [Partial<Record<keyof MemifOptions, unknown>>, string][] = [
  [{ socket: "" }, "a memif socket has a path"],
  [{ socket: "x".repeat(108) }, "a memif socket has a path"],
  [{ socket: 7 }, "socket must be a string"],
  [{ id: -1 }, "id must be an integer from 0"],
  [{ role: "master" }, "role must be client or server"],
  [{ secret: "x".repeat(25) }, "secret must be 24 bytes"],
  [{ mtu: 575 }, "mtu must be an integer from 576"],
  [{ ringSize: 0 }, "ringSize must be an integer from 1"],
  [{ ringSize: 1000 }, "ringSize must be a power of two"],
  [{ bufferSize: 63 }, "bufferSize must be an integer from 64"],
  [{ bufferSize: 66 }, "bufferSize must be a multiple of 4"],
  [{ bufferSize: 64, ringSize: 8 }, "does not fit"],
  [{ bufferSize: 65_536, ringSize: 16_384 }, "1 GiB at most"],
  [{ queues: 17 }, "queues must be an integer from 1"],
  [{ room: 1 }, "room must be an integer from 65536"],
  [{ mac: "01:00:00:00:00:00" }, "mac must be"],
];

test("a memif device tells which of its options is wrong", () => {
  for (const [options, detail] of WRONG) {
    const wrong = { socket: "/nowhere/socket", ...options } as MemifOptions;
    const error = assertThrows(() => openDevice(wrong), DemikernelError);
    assertEquals(error.code, "EINVAL");
    assertStringIncludes(error.message, detail);
  }
  const error = assertThrows(
    () => openDevice({ socket: "/nowhere/socket", role: "server" }),
    DemikernelError,
  );
  assertEquals(error.code, "ENOENT");
  assert(!(error instanceof LibcError));
});
