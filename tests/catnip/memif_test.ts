/**
 * memif devices: frames both ways in all sizes, other ends that come, go and lie.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { AF, EFD, MFD, SOCK } from "../../ffi/libc/constants.ts";
import { encodeSockaddr } from "../../ffi/libc/sockaddr.ts";
import { DemikernelError } from "../../mod.ts";
import {
  DESCRIPTOR,
  MESSAGE,
  RING,
  TO_SERVER,
  TYPE,
  VERSION,
} from "../../libos/devices/memif/layout.ts";
import { libc } from "../../ffi/libc/load.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { lying } from "../catnap/_faults.ts";
import type { MemifDevice } from "../../libos/devices/memif/memif.ts";
import type { MemifOptions } from "../../libos/devices/memif/options.ts";
import { FoundRing, freshSocket, openDevice, Pair, send, take } from "./_pair.ts";
import { RightsMessage } from "../../ffi/libc/rights.ts";

const ignore = Deno.build.os !== "linux";

function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore, fn });
}

/** Frames of these lengths come through whole, in order, in a direction. */
function checkFrames(from: MemifDevice, to: MemifDevice, lengths: readonly number[]): void {
  for (const [i, length] of lengths.entries()) assert(send(from, length, i + 1), `${length}`);
  const received = take(to);
  assertEquals(received.map(({ length }) => length), lengths);
  for (const [i, frame] of received.entries()) assert(frame.every((byte) => byte === i + 1));
}

const LENGTHS = [14, 60, 61, 62, 63, 64, 1499, 1500, 1514];

test("a memif link carries frames both ways, whatever its rings and buffers", () => {
  for (
    const options of [
      {},
      { ringSize: 16 },
      { bufferSize: 64, ringSize: 512 },
      { bufferSize: 100, ringSize: 1024, queues: 3 },
      { bufferSize: 65_536, ringSize: 16 },
      { queues: 16, ringSize: 32 },
    ]
  ) {
    using pair = new Pair(options);
    // Often enough that indices wrap.
    for (let round = 0; round < 300; round++) {
      checkFrames(pair.client, pair.server, LENGTHS);
      checkFrames(pair.server, pair.client, LENGTHS);
    }
  }
});

test("a memif ring's indices wrap at 65536", () => {
  using pair = new Pair({ ringSize: 2048 });
  for (let round = 0; round < 70; round++) {
    for (let i = 0; i < 1000; i++) assert(send(pair.client, 60, 1));
    assertEquals(take(pair.server).length, 1000);
  }
  checkFrames(pair.client, pair.server, LENGTHS);
});

test("a memif link carries frames of 64 KiB", () => {
  using pair = new Pair({ mtu: 65_521, ringSize: 64 });
  checkFrames(pair.client, pair.server, [65_535, 60, 65_534]);
  checkFrames(pair.server, pair.client, [65_535, 60, 65_534]);
});

test("a memif device that is full says so, goes on when there is room, and drops if that does not come", () => {
  using pair = new Pair({ ringSize: 8 });
  for (const [from, to] of [[pair.client, pair.server], [pair.server, pair.client]] as const) {
    let sent = 0;
    while (send(from, 60, 7)) sent++;
    assertEquals(sent, 8);
    assert(from.counters.fullRings > 0);
    assertEquals(take(to).length, 8);
    assert(send(from, 60, 8));
    assertEquals(take(to).length, 1);
    // Nobody takes anything any more: it would not do to wait for ever.
    const before = from.counters.sendDrops;
    for (let i = 0; i < 10_000 && from.counters.sendDrops === before; i++) send(from, 60, 9);
    assert(from.counters.sendDrops > before);
    assertEquals(take(to).length, 8);
    checkFrames(from, to, LENGTHS.slice(0, 8));
  }
});

test("a memif device keeps the last frames until its link is up", () => {
  const socket = freshSocket();
  const client = openDevice({ socket });
  for (let i = 0; i < 40; i++) assert(send(client, 60, i));
  assertEquals(client.counters.sendDrops, 8);
  const server = openDevice({ socket, role: "server" });
  try {
    const frames = [];
    for (const until = performance.now() + 5000; frames.length < 32 && performance.now() < until;) {
      take(client);
      frames.push(...take(server));
    }
    assertEquals(frames.map((frame) => frame[0]), Array.from({ length: 32 }, (_, i) => i + 8));
  } finally {
    client.close();
    server.close();
  }
});

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

/** What a peer may write into shared memory, and what is said of it. */
const LIES: Readonly<Record<string, (pair: Pair) => void>> = {
  "moves head too far": ({ client }) => new FoundRing(client, 0).setIndex(RING.HEAD, 9999),
  "moves head back": ({ client }) => new FoundRing(client, 0).setIndex(RING.HEAD, 0xffff),
  "says a length beyond the region": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "LENGTH", 0x7fffffff);
  },
  "says a length that is negative as a signed number": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "LENGTH", -1);
  },
  "says an offset beyond the region": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "OFFSET", -4);
  },
  "says a region that is not there": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "REGION", 1);
  },
  "begins a frame that has no end": ({ client }) => {
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "FLAGS", DESCRIPTOR.NEXT);
  },
  "goes on in a piece beyond the region": ({ client }) => {
    send(client, 60, 1);
    send(client, 60, 1);
    new FoundRing(client, 0).setDescriptor(0, "FLAGS", DESCRIPTOR.NEXT);
    new FoundRing(client, 0).setDescriptor(1, "OFFSET", -4);
  },
};

for (const [lie, tell] of Object.entries(LIES)) {
  test(`a memif server disconnects a client that ${lie}`, () => {
    using pair = new Pair();
    tell(pair);
    assertEquals(take(pair.server), []);
    assertMatch(pair.server.counters.link, /^down: an index or a descriptor out of range/);
    take(pair.client);
    assertMatch(pair.client.counters.link, /^down: the other end says: an index/);
    pair.settle();
    checkFrames(pair.client, pair.server, LENGTHS);
  });
}

test("a memif client disconnects a server that lies", () => {
  for (
    const tell of [
      (ring: FoundRing) => ring.setIndex(RING.TAIL, ring.index(RING.HEAD) + 1),
      (ring: FoundRing) => {
        ring.setDescriptor(0, "LENGTH", -1);
        ring.setIndex(RING.TAIL, 1);
      },
    ]
  ) {
    using pair = new Pair();
    tell(new FoundRing(pair.server, 1));
    assertEquals(take(pair.client), []);
    assertMatch(pair.client.counters.link, /^down: an index or a descriptor out of range/);
  }
});

test("a memif device that sends disconnects whoever lies of the room there is", () => {
  {
    using pair = new Pair({ ringSize: 8 });
    new FoundRing(pair.server, 0).setIndex(RING.TAIL, 100);
    // It looks when it has used what it knows of.
    for (let i = 0; i < 9; i++) send(pair.client, 60, 1);
    assertMatch(pair.client.counters.link, /^down: an index out of range/);
  }
  using pair = new Pair({}, { bufferSize: 128 });
  new FoundRing(pair.client, 1).setDescriptor(0, "OFFSET", -8);
  send(pair.server, 60, 1);
  assertMatch(pair.server.counters.link, /^down: a buffer out of range/);
});

test("a memif server drops frames that are longer than its mtu", () => {
  using pair = new Pair({ mtu: 1500 }, { mtu: 9000 });
  send(pair.client, 9014, 1);
  const frames = take(pair.server);
  // What lies in one piece is handed over as it is: the stack checks.
  assertEquals(frames.length + pair.server.counters.receiveDrops, 1);
  checkFrames(pair.client, pair.server, LENGTHS);
});

/** A client made by hand, which says what it likes. */
class RawClient {
  readonly #message = new RightsMessage(MESSAGE.SIZE);
  readonly #view = new DataView(this.#message.bytes.buffer);
  readonly #socket: number;

  constructor(name: string) {
    const { socket, connect } = libc();
    this.#socket = socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK | SOCK.CLOEXEC, 0);
    const address = encodeSockaddr({ path: new TextEncoder().encode(name.replace("@", "\0")) });
    assertEquals(connect(this.#socket, address, address.length), 0);
  }

  /** The type of the next message; -1 if there is none. */
  receive(): number {
    this.#message.bytes.fill(0);
    return this.#message.receive(this.#socket) > 0 ? this.#view.getUint16(0, true) : -1;
  }

  get reason(): string {
    const { REASON } = MESSAGE.DISCONNECT;
    return new TextDecoder().decode(this.#message.bytes.subarray(REASON));
  }

  /** Sends a message, whose fields a function writes. */
  say(type: number, write: (view: DataView) => void = () => {}, fd = -1): void {
    this.#message.bytes.fill(0);
    this.#view.setUint16(MESSAGE.TYPE, type, true);
    write(this.#view);
    this.#message.send(this.#socket, fd);
  }

  close(): void {
    libc().close(this.#socket);
  }
}

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
  "no init": [(c) => c.say(TYPE.CONNECT), "out of place"],
  "what a server says": [(c) => (c.say(TYPE.INIT, init), c.say(TYPE.HELLO)), "does not send"],
  "a region without memory": [
    (c) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(4096n))),
    "no memory sealed",
  ],
  "a region that may become shorter": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096, 0))),
    "no memory sealed",
  ],
  "a region that is shorter than it says": [
    (c, fds) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(8192n), fds.memory(4096))),
    "of which there are 4096",
  ],
  "a region of the largest size": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(0xffffffffffffffffn), fds.memory(4096))),
    "of which there are 4096",
  ],
  "a region of no size": [
    (c, fds) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(0n), fds.memory(4096))),
    "a region of 0 bytes",
  ],
  "more memory than there is room for": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(1n << 20n), fds.memory(1 << 20))),
    "regions of more than",
  ],
  "regions out of order": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_REGION, region(4096n, 3), fds.memory(4096))),
    "region 3 is not the next one",
  ],
  "a ring in no region": [
    (c, fds) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_RING, ring(0, 4), fds.eventfd())),
    "a ring of 2^4 slots at 0 of region 0",
  ],
  "a ring beyond its region": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096)),
      c.say(TYPE.ADD_RING, ring(0, 8), fds.eventfd())),
    "a ring of 2^8 slots at 0 of region 0",
  ],
  "a ring at an odd place": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096)),
      c.say(TYPE.ADD_RING, ring(2, 4), fds.eventfd())),
    "a ring of 2^4 slots at 2 of region 0",
  ],
  "a ring too large": [
    (c, fds) => (c.say(TYPE.INIT, init), c.say(TYPE.ADD_RING, ring(0, 40), fds.eventfd())),
    "a ring of 2^40 slots",
  ],
  "a ring without an eventfd": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096)),
      c.say(TYPE.ADD_RING, ring(0, 4))),
    "a ring without an eventfd",
  ],
  "a ring with something else": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096)),
      c.say(TYPE.ADD_RING, ring(0, 4), fds.memory(4096))),
    "a ring without an eventfd",
  ],
  "no rings": [(c) => (c.say(TYPE.INIT, init), c.say(TYPE.CONNECT)), "no ring each way"],
  "rings that do not begin as such": [
    (
      c,
      fds,
    ) => (c.say(TYPE.INIT, init),
      c.say(TYPE.ADD_REGION, region(4096n), fds.memory(4096)),
      c.say(TYPE.ADD_RING, ring(0, 4), fds.eventfd()),
      c.say(TYPE.ADD_RING, ring(1024, 4, 0, 0), fds.eventfd()),
      c.say(TYPE.CONNECT)),
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

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

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

test("both ends of a memif link need the same secret", () => {
  using pair = new Pair({ secret: "four and twenty letters!" });
  checkFrames(pair.client, pair.server, LENGTHS);
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

test("a frame wakes who sleeps on a memif link, and nobody is told who is busy", () => {
  using pair = new Pair();
  const { client, server } = pair;
  for (const [from, to] of [[client, server], [server, client]] as const) {
    to.prepareToPark();
    assertEquals(isReadable(to.fd), false);
    send(from, 60, 1);
    assertEquals(isReadable(to.fd), true);
    assertEquals(take(to).length, 1);
    const { wakeups } = to.counters;
    // It is busy now: what wakes it is as it was.
    to.prepareToPark();
    assertEquals(isReadable(to.fd), false);
    take(to);
    send(from, 60, 1);
    assertEquals(isReadable(to.fd), false);
    // And what came before it slept does not let it sleep.
    to.prepareToPark();
    assertEquals(isReadable(to.fd), true);
    assertEquals(take(to).length, 1);
    assertEquals(to.counters.wakeups, wakeups + 2);
  }
});

function isReadable(fd: number): boolean {
  const { epoll_wait, malloc, free } = libc();
  const event = BigInt(malloc(16n));
  try {
    return epoll_wait(fd, event, 1, 0) > 0;
  } finally {
    free(event);
  }
}
