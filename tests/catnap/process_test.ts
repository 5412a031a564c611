/**
 * What can only be seen in a process of its own: running out of descriptors, signals, blocking.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runProgram } from "./_child.ts";

const SETUP = `
  const libos = open({ libos: "catnap", idle: "adaptive" });
  const listener = libos.socket("inet", "stream");
  libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
  libos.listen(listener);
  const address = libos.getsockname(listener);
`;

Deno.test("out of descriptors accept() pauses, nothing is lost, and it goes on when there are some", async () => {
  const program = `
    ${SETUP}
    const clients = [];
    try {
      for (;;) {
        clients.push(libos.socket("inet", "stream"));
        libos.wait(libos.connect(clients.at(-1), address));
      }
    } catch (error) {
      console.log(error.name, error.code);
    }
    for (const qd of clients.splice(-4)) libos.close(qd);
    const accepts = clients.map(() => libos.accept(listener));
    const accepted = libos.waitNextN(clients.length);
    console.log(accepted.length, libos.waitNextN(1, 30).length);
    // Each connection that is closed makes room for the next.
    let served = 0;
    while (accepted.length > 0) {
      libos.close(accepted.shift().accepted);
      served++;
      if (served + accepted.length < clients.length) accepted.push(...libos.waitNextN(1, 5000));
    }
    console.log(served === clients.length, accepts.length - served);
    await libos.exit();
  `;
  assertEquals(await runProgram(program, { descriptors: 64 }), [
    "DemikernelError EMFILE",
    "4 0",
    "true 0",
  ]);
});

Deno.test("out of descriptors accept() goes on by itself when another closed something", async () => {
  const program = `
    ${SETUP}
    const client = libos.socket("inet", "stream");
    libos.wait(libos.connect(client, address));
    const files = [];
    try {
      for (;;) files.push(Deno.openSync("/dev/null"));
    } catch {
      // None is left.
    }
    const accepting = libos.accept(listener);
    try {
      libos.wait(accepting, 30);
    } catch (error) {
      console.log(error.code);
    }
    for (const file of files) file.close();
    console.log(libos.wait(accepting, 5000).opcode);
    await libos.exit();
  `;
  assertEquals(await runProgram(program, { descriptors: 64 }), ["ETIMEDOUT", "accept"]);
});

Deno.test("a push to a peer that is gone raises no signal", async () => {
  const program = `
    const libos = open({ libos: "catnap" });
    const listener = libos.socket("unix", "stream");
    libos.bind(listener, { path: "\\0catnap-test-pipe-" + Deno.pid });
    libos.listen(listener);
    const client = libos.socket("unix", "stream");
    libos.wait(libos.connect(client, libos.getsockname(listener)));
    libos.close(libos.wait(libos.accept(listener)).accepted);
    for (const sizes of [1, [1, 1]]) {
      console.log(libos.wait(libos.push(client, libos.alloc(sizes))).error.code);
    }
    await libos.exit();
  `;
  assertEquals(await runProgram(program), ["ECONNRESET", "ECONNRESET"]);
});

Deno.test("bind() of a Unix socket tells whether somebody is there, and replaces what a process left", async () => {
  const path = `${await Deno.makeTempDir()}/socket`;
  const program = `
    const libos = open("catnap");
    const bind = (options) => {
      const qd = libos.socket("unix", "seqpacket");
      for (const option of options) libos.setsockopt(qd, option, true);
      try {
        libos.bind(qd, { path: ${JSON.stringify(path)} });
        console.log("bound");
      } catch (error) {
        console.log(error.message.split(${JSON.stringify(path)})[1].split(";")[0]);
      }
    };
  `;
  const quits = `${program} bind([]); Deno.exit(0);`;
  const permission = { flags: ["--allow-ffi"] };
  try {
    assertEquals(await runProgram(quits, permission), ["bound"]);
    const again =
      `${program} bind([]); bind(["reuseAddress"]); bind(["reuseAddress"]); await libos.exit();`;
    assertEquals(await runProgram(again, permission), [
      '" is there, and nobody listens',
      "bound",
      '" (EADDRINUSE, qd 3)',
    ]);
    assertEquals(await runProgram(quits, permission), ["bound"]);
  } finally {
    await Deno.remove(path.slice(0, -"/socket".length), { recursive: true });
  }
});

Deno.test("close() does not block on unsent data, whatever linger says", async () => {
  const program = `
    ${SETUP}
    libos.setsockopt(listener, "linger", 3600);
    for (const end of ["client", "server"]) {
      const client = libos.socket("inet", "stream");
      libos.setsockopt(client, "linger", 3600);
      libos.wait(libos.connect(client, address));
      const server = libos.wait(libos.accept(listener)).accepted;
      const qd = { client, server }[end];
      const push = libos.push(qd, libos.alloc(64 << 20));
      libos.close(qd);
      console.log(end, libos.wait(push).error.code);
    }
    await libos.exit();
  `;
  assertEquals(await runProgram(program), ["client ECANCELED", "server ECANCELED"]);
});

Deno.test("signals interrupt nothing", async () => {
  const program = `
    ${SETUP}
    let signals = 0;
    Deno.addSignalListener("SIGUSR1", () => signals++);
    const client = libos.socket("inet", "stream");
    libos.wait(libos.connect(client, address));
    const server = libos.wait(libos.accept(listener)).accepted;
    const kicker = new Deno.Command("sh", {
      args: ["-c", "for i in $(seq 300); do kill -USR1 " + Deno.pid + "; done"],
    }).spawn();
    let over = false;
    kicker.status.then(() => over = true);
    function* echo() {
      for (;;) {
        const sga = yield* libos.operations.pop(server);
        if (sga === null) return;
        yield* libos.operations.push(server, sga);
      }
    }
    const echoing = libos.spawn(echo());
    let rounds = 0;
    while (!over || signals === 0) {
      await libos.operations.push(client, libos.alloc(64));
      const sga = await libos.operations.pop(client);
      if (sga.length !== 64) throw new Error("short");
      sga.free();
      rounds++;
      // Now and then it sleeps, so that a signal finds it there too.
      if (rounds % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    libos.close(client);
    await echoing;
    console.log(signals > 0, rounds > 0, (await libos.exit()).leakedBuffers);
    Deno.exit();
  `;
  assertEquals(await runProgram(program), ["true true 0"]);
});
