/**
 * What catnap does when there is no memory for what was received, and how it gives back all it took.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc/load.ts";
import { Catnap } from "../../libos/catnap/libos.ts";
import { MonotonicClock } from "../../libos/runtime/scheduler/epoll_parker.ts";
import { DemikernelError } from "../../libos/error.ts";
import { open } from "../../libos/open.ts";
import { Scheduler } from "../../libos/runtime/scheduler/scheduler.ts";
import { assertCode } from "../runtime/_assert.ts";
import {
  connectedPair,
  freeAddress,
  message,
  outcome,
  receive,
  send,
  withCatnap,
} from "./_catnap.ts";
import { failing } from "./_faults.ts";

/** A catnap whose heap can run out. */
class PoorCatnap extends Catnap {
  constructor() {
    super({ scheduler: new Scheduler({ idle: "spin", clock: new MonotonicClock() }) });
  }

  /** The next buffers cannot be had. */
  starve(times = 1): void {
    const { heap } = this.context;
    const take = heap.take;
    let left = times;
    heap.take = (size) => {
      if (left-- > 0) throw new DemikernelError("ENOMEM", "alloc", { detail: "as the test wants" });
      heap.take = take;
      return heap.take(size);
    };
  }
}

for (const size of [64, 60_000]) {
  Deno.test(`a stream breaks with ENOMEM when ${size} bytes that were received find no buffer`, async () => {
    const libos = new PoorCatnap();
    const [a, b] = connectedPair(libos);
    const pops = [libos.pop(b), libos.pop(b)] as const;
    const push = libos.push(a, message(libos, size));
    libos.starve();
    const completion = libos.wait(pops[0]);
    assert(completion.opcode === "failed");
    assertEquals(completion.error.code, "ENOMEM");
    assert(completion.error.message.includes("as the test wants"));
    assertEquals(outcome(libos, pops[1]), "ENOMEM");
    assertEquals(outcome(libos, push), "push");
    assertEquals(receive(libos, b), "ENOMEM");
    const [c, d] = connectedPair(libos);
    send(libos, c, "another is whole");
    assertEquals(receive(libos, d), "another is whole");
    assertEquals((await libos.exit()).leakedBuffers, 0);
  });

  Deno.test(`one datagram of ${size} bytes is lost, with ENOMEM, when it finds no buffer`, async () => {
    const libos = new PoorCatnap();
    const qd = libos.socket("inet", "dgram");
    libos.bind(qd, freeAddress("inet"));
    const to = libos.getsockname(qd);
    const pushes = [message(libos, size), message(libos, "next")].map((sga) =>
      libos.pushTo(qd, sga, to)
    );
    libos.starve();
    assertEquals([receive(libos, qd), receive(libos, qd)], ["ENOMEM", "next"]);
    assertEquals(pushes.map((qt) => outcome(libos, qt)), ["push", "push"]);
    assertEquals((await libos.exit()).leakedBuffers, 0);
  });
}

Deno.test("a record larger than the receive buffer that finds no buffer fails with ENOMEM", async () => {
  const libos = new PoorCatnap();
  const [a, b] = connectedPair(libos, "unix", "seqpacket");
  send(libos, a, 100_000);
  libos.starve();
  assertEquals(receive(libos, b), "ENOMEM");
  assertEquals((await libos.exit()).leakedBuffers, 0);
});

/** The open file descriptors of this process. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("exit() gives back every descriptor and buffer, whatever was open", async () => {
  const before = descriptors();
  const libos = open({ libos: "catnap", idle: "spin" });
  const [a, b] = connectedPair(libos);
  connectedPair(libos, "unix", "seqpacket");
  libos.socket("inet6", "dgram");
  const pop = libos.pop(b);
  send(libos, a, "hot");
  assertEquals(outcome(libos, pop), "pop");
  libos.pop(b);
  assertEquals(descriptors() > before, true);
  const report = await libos.exit();
  assertEquals(descriptors(), before);
  assertEquals([report.openQueues, report.leakedBuffers, report.unusedTokens], [5, 0, 1]);
});

Deno.test("poll() after exit() does nothing", async () => {
  const libos = open({ libos: "catnap", idle: "spin" });
  await libos.exit();
  using _ = failing("epoll_wait", []);
  const epoll = libc().epoll_create1(0);
  assertEquals(libos.poll(), 0);
  libc().close(epoll);
  assertCode("ENODEV", () => libos.socket("inet", "stream"));
});

Deno.test("open() throws EMFILE and leaves nothing open when there are no descriptors", () => {
  const before = descriptors();
  for (const faults of [["EMFILE"], [null, "EMFILE"]] as const) {
    using _ = failing("epoll_create1", faults);
    assertCode("EMFILE", () => open({ libos: "catnap" }));
  }
  assertEquals(descriptors(), before);
});

Deno.test("socket() throws EMFILE and leaves nothing open", () =>
  withCatnap((libos) => {
    const before = descriptors();
    {
      using _ = failing("socket", ["EMFILE"]);
      assertCode("EMFILE", () => libos.socket("inet", "stream"));
    }
    using _ = failing("epoll_ctl", ["ENOSPC"]);
    assertCode("ENOSPC", () => libos.socket("inet", "dgram"));
    assertEquals(descriptors(), before);
    assertEquals(libos.statistics().queues, 0);
  }));

Deno.test("connect() and listen() throw, and have done nothing, when epoll cannot watch the socket", () =>
  withCatnap((libos) => {
    const listener = libos.socket("inet", "stream");
    libos.bind(listener, freeAddress("inet"));
    const client = libos.socket("inet", "stream");
    {
      using _ = failing("epoll_ctl", ["ENOSPC", "ENOSPC"]);
      assertCode("ENOSPC", () => libos.listen(listener));
      assertCode("ENOSPC", () => libos.connect(client, libos.getsockname(listener)));
    }
    assertCode("EINVAL", () => libos.accept(listener));
    libos.listen(listener);
    const connect = libos.connect(client, libos.getsockname(listener));
    assertEquals(outcome(libos, libos.accept(listener)), "accept");
    assertEquals(outcome(libos, connect), "connect");
  }));

Deno.test("one descriptor of a libOS costs one of the kernel, and close() gives it back", () =>
  withCatnap((libos) => {
    const before = descriptors();
    for (let i = 0; i < 3; i++) {
      const [a, b] = connectedPair(libos);
      assertEquals(descriptors(), before + 2);
      libos.close(a);
      libos.close(b);
      assertEquals(descriptors(), before);
    }
  }));

Deno.test("push() throws EFAULT when the memory of a large sga was transferred away, and others go on", () =>
  withCatnap((libos) => {
    const [a, b] = connectedPair(libos);
    const [whole, parts] = [libos.alloc(2 << 20), libos.alloc([1000, 2 << 20])];
    for (const bytes of [whole.bytes(), parts.bytes(1)]) {
      structuredClone(bytes, { transfer: [bytes.buffer] });
    }
    for (const sga of [whole, parts]) {
      assertCode("EFAULT", () => libos.push(a, sga));
      sga.free();
    }
    for (const text of ["more", "and more"]) {
      send(libos, a, text.padEnd(100));
      assertEquals(receive(libos, b), text.padEnd(100));
    }
  }));
