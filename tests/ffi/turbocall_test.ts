/**
 * The calls of the datapath are V8 fast calls once they are warm: fifteen times faster than others.
 *
 * Nothing is timed. Deno tells, in a process that asks for it, whether the last foreign call was a fast one.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runProgram } from "../catnap/_child.ts";

/** Operations of catnap that end with a call of that function; `epoll_wait` may come after it. */
const PROGRAM = `
  const internal = Deno[Deno.internal];
  const libos = open({ libos: "catnap", idle: "spin" });
  const other = open({ libos: "catnap", idle: "spin" });

  const listener = libos.socket("inet", "stream");
  libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
  libos.listen(listener);
  const client = libos.socket("inet", "stream");
  libos.wait(libos.connect(client, libos.getsockname(listener)));
  const server = libos.wait(libos.accept(listener)).accepted;
  const socket = libos.socket("inet", "dgram");
  libos.bind(socket, { hostname: "127.0.0.1", port: 0 });
  const address = libos.getsockname(socket);

  // Receives so many bytes, and says what was called last when they came.
  function receive(qd, send) {
    let sga;
    libos.operations.pop(qd, 0, { result: (value) => sga = value });
    send();
    let last;
    while (sga === undefined) {
      libos.poll();
      last = internal.getTurbocallTarget();
    }
    sga.free();
    return last;
  }
  function push(qd, size) {
    libos.wait(libos.push(qd, libos.alloc(size)));
    return internal.getTurbocallTarget();
  }
  function pushTo(size) {
    libos.wait(libos.pushTo(socket, libos.alloc(size), address));
    return internal.getTurbocallTarget();
  }

  const ACTIONS = {
    memcpy: () => receive(server, () => push(client, 64)),
    // What fills the receive buffer by half is not copied, so that the call before is the last one.
    recv: () => receive(server, () => push(client, 40_000)),
    send: () => {
      let last;
      receive(server, () => last = push(client, 64));
      return last;
    },
    sendmsg: () => {
      let last;
      receive(server, () => last = push(client, [32, 32]));
      return last;
    },
    sendto: () => {
      let last;
      receive(socket, () => last = pushTo(64));
      return last;
    },
    recvfrom: () => receive(socket, () => pushTo(40_000)),
    epoll_wait: () => {
      other.poll();
      return internal.getTurbocallTarget();
    },
    clock_gettime: () => {
      libos.operations.sleep(60_000).cancel();
      return internal.getTurbocallTarget();
    },
  };

  for (const [name, action] of Object.entries(ACTIONS)) {
    let inRow = 0;
    // A branch taken for the first time sends code back to be warmed again.
    for (let i = 0; i < 300_000 && inRow < 2000; i++) {
      const last = action();
      if (last === name) inRow++;
      else if (last !== "epoll_wait") inRow = 0;
    }
    console.log(name, inRow === 2000);
  }
  await libos.exit();
  await other.exit();
`;

Deno.test("the calls of catnap's datapath are fast calls once warm, and stay so", async () => {
  const said = await runProgram(PROGRAM, { env: { DENO_UNSTABLE_FFI_TRACE_TURBO: "1" } });
  const names = "memcpy recv send sendmsg sendto recvfrom epoll_wait clock_gettime".split(" ");
  assertEquals(said, names.map((name) => `${name} true`));
});
