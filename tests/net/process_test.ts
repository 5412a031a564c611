/**
 * Servers in processes of their own: what keeps these alive, and what they live through.
 *
 * @module
 */

import { assertEquals } from "@std/assert";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** Runs a program around a server; gives its exit code and what it said. */
async function run(program: string, shell = "exec"): Promise<string> {
  const code = `
    import { connect, open, serve } from ${JSON.stringify(MOD)};
    const address = { hostname: "127.0.0.1", port: 0 };
    async function echo(connection) {
      for await (const sga of connection) await connection.push(sga);
    }
    ${program}
  `;
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `${shell} "$0" eval --ext=ts "$1"`, Deno.execPath(), code],
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(15_000),
  }).output();
  const decoder = new TextDecoder();
  assertEquals({ success, stderr: decoder.decode(stderr) }, { success: true, stderr: "" });
  return decoder.decode(stdout).trim();
}

/** A server and a client, both idle, the client unref'd; "alive" if they keep the process alive. */
const IDLE = `
  Deno.unrefTimer(setTimeout(() => { console.log("alive"); Deno.exit(); }, 300));
  const libos = open({ idle: "park" });
  const server = serve({ libos, ...address }, echo);
  const client = await connect({ libos, port: server.addr.port });
  await client.push(new Uint8Array([1]));
  (await client.pop()).free();
  client.unref();
`;

Deno.test("a server with a connection keeps the process alive", async () => {
  assertEquals(await run(IDLE), "alive");
});

Deno.test("Server.unref() lets the process end although connections are open", async () => {
  assertEquals(await run(`${IDLE} server.unref();`), "");
});

Deno.test("Server.unref() unrefs the connections that come later", async () => {
  const program = `${IDLE} server.unref();
    const other = await connect({ libos, port: server.addr.port });
    await other.push(new Uint8Array([1]));
    (await other.pop()).free();
  `;
  assertEquals(await run(program), "");
});

Deno.test("Server.ref() undoes Server.unref()", async () => {
  assertEquals(await run(`${IDLE} server.unref(); server.ref();`), "alive");
});

Deno.test("a pending pop that is unref'd lets the process end", async () => {
  assertEquals(await run(`${IDLE} server.unref(); client.pop().then(() => {}, () => {});`), "");
});

Deno.test("a server of a libOS by name lets the process end once it is shut down", async () => {
  const program = `
    Deno.unrefTimer(setTimeout(() => { console.log("alive"); Deno.exit(); }, 5000));
    const server = serve(address, echo);
    await server.shutdown();
    console.log("done");
  `;
  assertEquals(await run(program), "done");
});

Deno.test("a server out of descriptors goes on once connections are closed", async () => {
  const program = `
    const libos = open();
    const server = serve({ libos, ...address }, echo);
    const { port } = server.addr;
    // Deno itself needs descriptors for its first child, and panics without.
    await new Deno.Command("true").output();
    // The limit is one of the process: clients live in another.
    const clients = new Deno.Command("bash", {
      args: ["-c", \`
        ulimit -n 500
        for fd in {10..209}; do eval "exec $fd<>/dev/tcp/127.0.0.1/\${port}"; done
        for fd in {10..209}; do
          printf x >&$fd; read -r -N 1 -u $fd reply; eval "exec $fd>&-"
        done
        echo answered
      \`],
      stdout: "piped",
    });
    const { stdout } = await clients.output();
    console.log(new TextDecoder().decode(stdout).trim());
    await server.shutdown();
    await libos.exit();
  `;
  assertEquals(await run(program, "ulimit -n 150; exec"), "answered");
});

Deno.test("a program that closes its libOS right after serve() ends quietly", async () => {
  const program = `
    await using libos = open("catnap");
    serve({ libos, ...address }, echo);
    console.log("served");
  `;
  assertEquals(await run(program), "served");
});

Deno.test("a server goes on when a handler gives an async generator that would throw", async () => {
  const program = `
    await using libos = open("catnap");
    const messages = [];
    const onError = ({ message }) => messages.push(message);
    const wrapped = (connection) => async function* () { throw new Error("unseen"); }();
    await using server = serve({ libos, ...address, onError }, wrapped);
    for (let i = 0; i < 2; i++) {
      using client = await connect({ libos, port: server.addr.port });
      await client.pop();
    }
    console.log(messages.join("\\n"));
  `;
  const line = "Cannot spawn: a coroutine is what a generator function gives, " +
    "not Object [AsyncGenerator] {} (EINVAL)";
  assertEquals(await run(program), `${line}\n${line}`);
});

for (const idle of ["spin", "adaptive", "park"]) {
  Deno.test(`unref() leaves a server at work while something else keeps the process alive (${idle})`, async () => {
    const said = await run(`
      const libos = open({ idle: "${idle}" });
      const server = serve({ libos, ...address }, function* (connection) {
        for (let sga; (sga = yield* connection.pop()) !== null;) yield* connection.push(sga);
      });
      server.unref();
      // Its own thread, since a client here would wake Deno's loop all the time.
      const client = \`
        const client = await Deno.connect({ hostname: "127.0.0.1", port: \${server.addr.port} });
        for (let i = 0; i < 100; i++) {
          await client.write(new Uint8Array(1));
          await client.read(new Uint8Array(1));
        }
        postMessage("answered");
      \`;
      const url = "data:text/javascript," + encodeURIComponent(client);
      setTimeout(() => { console.log("not answered"); Deno.exit(); }, 5000);
      new Worker(url, { type: "module" }).onmessage = ({ data }) => { console.log(data); Deno.exit(); };
    `);
    assertEquals(said, "answered");
  });
}

Deno.test("unref() lets the process end while a handler waits in join() for what does not keep it alive", async () => {
  const said = await run(`
    Deno.unrefTimer(setTimeout(() => { console.log("alive"); Deno.exit(); }, 1500));
    const libos = open();
    const server = serve({ libos, ...address }, function* (connection) {
      yield* libos.operations.join(echo(connection));
    });
    const client = await connect({ libos, port: server.addr.port });
    await libos.operations.sleep(10);
    client.unref();
    server.unref();
    console.log("over");
  `);
  assertEquals(said, "over");
});
