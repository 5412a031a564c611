import { assertEquals } from "@std/assert";
import { libc } from "../../../ffi/libc/load.ts";
import { HostBell } from "../../../libos/runtime/scheduler/host_bell.ts";

function ring(bell: HostBell): Promise<void> {
  return new Promise((resolve) => bell.ring(resolve));
}

Deno.test("HostBell.ring() calls once Deno has looked at its reactor", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ port: listener.addr.port });
  const server = await listener.accept();
  const bell = new HostBell(libc());
  await ring(bell);
  for (let i = 0; i < 20; i++) {
    const received = server.read(new Uint8Array(8));
    let told = false;
    received.then(() => told = true);
    // Deno waits for data: what is there when the bell is rung is told by the time that it has rung.
    await ring(bell);
    assertEquals(told, false);
    await client.write(new Uint8Array(8));
    for (let rings = 0; !told && rings < 3; rings++) await ring(bell);
    assertEquals(told, true);
  }
  await bell.close();
  client.close();
  server.close();
});

Deno.test("HostBell.ring() calls whatever the one before threw", async () => {
  const bell = new HostBell(libc());
  const thrown = new Promise<string>((resolve) =>
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      resolve(event.error.message);
    }, { once: true })
  );
  bell.ring(() => {
    throw new Error("a mistake");
  });
  assertEquals(await thrown, "a mistake");
  await ring(bell);
  await bell.close();
});

Deno.test("HostBell.close() calls whoever has rung, and leaves no descriptor", async () => {
  const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = open();
  for (let i = 0; i < 3; i++) {
    const bell = new HostBell(libc());
    if (i > 0) await ring(bell);
    const rung = i > 1 ? ring(bell) : Promise.resolve();
    await bell.close();
    await rung;
  }
  assertEquals(open(), before);
});

Deno.test("HostBell.ring() calls although a microtask closes it while node:net is loaded", async () => {
  const child = new URL("./_bell_closed.ts", import.meta.url);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-ffi", child.pathname],
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout), text.decode(stderr)], [0, "called\n", ""]);
});
