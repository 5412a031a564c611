/**
 * The messages of memif: what the other end may not say, and is refused for.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { AF, EFD, MFD, SOCK } from "../../ffi/libc/constants.ts";
import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import { MESSAGE, TO_SERVER, TYPE, VERSION } from "../../libos/devices/memif/layout.ts";
import { libc } from "../../ffi/libc/load.ts";
import {
  checkFrames,
  freshSocket,
  LENGTHS,
  openDevice,
  openFiles,
  Pair,
  take,
  test,
} from "./_pair.ts";
import { RawClient } from "./_raw_client.ts";
import { RightsMessage } from "../../ffi/libc/rights.ts";

function init(view: DataView): void {
  view.setUint16(MESSAGE.INIT.VERSION, VERSION, true);
}

function region(size: bigint, index = 0) {
  return (view: DataView) => {
    view.setUint16(MESSAGE.ADD_REGION.INDEX, index, true);
    view.setBigUint64(MESSAGE.ADD_REGION.SIZE, size, true);
  };
}

function ring(offset: number, log2: number, index = 0, flags: number = TO_SERVER) {
  return (view: DataView) => {
    view.setUint16(MESSAGE.ADD_RING.FLAGS, flags, true);
    view.setUint16(MESSAGE.ADD_RING.INDEX, index, true);
    view.setUint32(MESSAGE.ADD_RING.OFFSET, offset, true);
    view.setUint8(MESSAGE.ADD_RING.LOG2_SIZE, log2);
  };
}

/** Memory of a size, sealed or not; and an eventfd. Closed at the end of a test. */
class Descriptors implements Disposable {
  readonly #fds: number[] = [];

  memory(size: number, seals = 2): number {
    const { memfd_create, ftruncate, fcntl } = libc();
    const fd = memfd_create(new TextEncoder().encode("test\0"), MFD.ALLOW_SEALING | MFD.CLOEXEC);
    ftruncate(fd, BigInt(size));
    fcntl(fd, 1033, seals);
    this.#fds.push(fd);
    return fd;
  }

  eventfd(): number {
    const fd = libc().eventfd(0, EFD.CLOEXEC);
    this.#fds.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) libc().close(fd);
  }
}

type Conversation = (client: RawClient, fds: Descriptors) => void;

/** Of a client that said who it is. */
function known(talk: Conversation): Conversation {
  return (c, fds) => {
    c.say(TYPE.INIT, init);
    talk(c, fds);
  };
}

/** Of one that brought a page of memory besides. */
function withPage(talk: Conversation): Conversation {
  return known((c, fds) => {
    c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096));
    talk(c, fds);
  });
}

/** What a client may say, and how it is refused. */
const REFUSED: Readonly<Record<string, [Conversation, string]>> = {
  "another version": [(c) => c.say(TYPE.INIT), "another version"],
  "another interface": [
    (c) => c.say(TYPE.INIT, (view) => (init(view), view.setUint32(MESSAGE.INIT.ID, 7, true))),
    "there is no interface 7 here",
  ],
  "a mode that is not Ethernet": [
    (c) => c.say(TYPE.INIT, (view) => (init(view), view.setUint8(MESSAGE.INIT.MODE, 1))),
    "no Ethernet",
  ],
  "a secret that is wrong": [
    (c) => c.say(TYPE.INIT, (view) => (init(view), view.setUint8(MESSAGE.INIT.SECRET, 65))),
    "another secret",
  ],
  "nothing, with a descriptor": [(c, fds) => c.sayNothing(fds.eventfd()), "is gone"],
  "no init": [(c) => c.say(TYPE.CONNECT), "out of place"],
  "what a server says": [known((c) => c.say(TYPE.HELLO)), "does not send"],
  "a region without memory": [
    known((c) => c.say(TYPE.ADD_REGION, region(4096n))),
    "no memory sealed",
  ],
  "a region that may become shorter": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096, 0))),
    "no memory sealed",
  ],
  "a region that is shorter than it says": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(8192n), fds.memory(4096))),
    "of which there are 4096",
  ],
  "a region of the largest size": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(0xffffffffffffffffn), fds.memory(4096))),
    "of which there are 4096",
  ],
  "a region of no size": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(0n), fds.memory(4096))),
    "a region of 0 bytes",
  ],
  "more memory than there is room for": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(1n << 20n), fds.memory(1 << 20))),
    "regions of more than",
  ],
  "regions out of order": [
    known((c, fds) => c.say(TYPE.ADD_REGION, region(4096n, 3), fds.memory(4096))),
    "region 3 is not the next one",
  ],
  "a ring in no region": [
    known((c, fds) => c.say(TYPE.ADD_RING, ring(0, 4), fds.eventfd())),
    "a ring of 2^4 slots at 0 of region 0",
  ],
  "a ring beyond its region": [
    withPage((c, fds) => c.say(TYPE.ADD_RING, ring(0, 8), fds.eventfd())),
    "a ring of 2^8 slots at 0 of region 0",
  ],
  "a ring at an odd place": [
    withPage((c, fds) => c.say(TYPE.ADD_RING, ring(2, 4), fds.eventfd())),
    "a ring of 2^4 slots at 2 of region 0",
  ],
  "a ring too large": [
    known((c, fds) => c.say(TYPE.ADD_RING, ring(0, 40), fds.eventfd())),
    "a ring of 2^40 slots",
  ],
  "a ring without an eventfd": [
    withPage((c) => c.say(TYPE.ADD_RING, ring(0, 4))),
    "a ring without an eventfd",
  ],
  "a ring with something else": [
    withPage((c, fds) => c.say(TYPE.ADD_RING, ring(0, 4), fds.memory(4096))),
    "a ring without an eventfd",
  ],
  "no rings": [known((c) => c.say(TYPE.CONNECT)), "no ring each way"],
  "rings that do not begin as such": [
    withPage((c, fds) => {
      c.say(TYPE.ADD_RING, ring(0, 4), fds.eventfd());
      c.say(TYPE.ADD_RING, ring(1024, 4, 0, 0), fds.eventfd());
      c.say(TYPE.CONNECT);
    }),
    "does not begin as one",
  ],
};

test("a memif server refuses what a client may not say, says why, and serves the next one", () => {
  const before = openFiles();
  const pair = new Pair({ room: 1 << 18, ringSize: 16 });
  const { socket, server } = pair;
  for (const [what, [talk, reason]] of Object.entries(REFUSED)) {
    pair.client.close();
    take(server);
    const client = new RawClient(socket);
    {
      using fds = new Descriptors();
      talk(client, fds);
      take(server);
    }
    assertStringIncludes(server.counters.link, reason, what);
    const said = [];
    for (let type; (type = client.receive()) >= 0;) said.push(type);
    assertEquals([said[0], said.at(-1)], [TYPE.HELLO, TYPE.DISCONNECT], what);
    client.close();
    pair.restartClient();
    checkFrames(pair.client, server, LENGTHS);
  }
  pair[Symbol.dispose]();
  assertEquals(openFiles(), before);
});

test("a memif client refuses a server of another version, and one that answers what was not asked", () => {
  const socket = freshSocket();
  const { socket: make, bind, listen, accept4, close } = libc();
  const listener = make(AF.UNIX, SOCK.SEQPACKET | SOCK.CLOEXEC, 0);
  const address = encodeSockaddr({ path: new TextEncoder().encode(socket.replace("@", "\0")) });
  bind(listener, address, address.length);
  listen(listener, 4);
  const message = new RightsMessage(MESSAGE.SIZE);
  const view = new DataView(message.bytes.buffer);
  for (
    const [type, reason] of [[TYPE.HELLO, "another version"], [
      TYPE.CONNECTED,
      "out of place",
    ]] as const
  ) {
    const client = openDevice({ socket });
    const fd = accept4(listener, null, null, SOCK.CLOEXEC);
    message.bytes.fill(0);
    view.setUint16(0, type, true);
    message.send(fd, -1);
    take(client);
    assertStringIncludes(client.counters.link, reason);
    close(fd);
    client.close();
  }
  close(listener);
});
