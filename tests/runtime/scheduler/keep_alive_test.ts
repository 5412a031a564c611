/**
 * What keeps a process alive, seen from outside.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

const MODULE = new URL("../../../mod.ts", import.meta.url).href;

for (const idle of ["spin", "adaptive", "park"]) {
  Deno.test(`A process lives as long as a pending operation wants, while others do not (${idle})`, async () => {
    const code = `
      import { open } from "${MODULE}";
      const libos = await open({ idle: "${idle}" });
      const queue = libos.queue();
      libos.unref(queue);
      libos.operations.pop(queue).then(() => {}, () => {});
      // By now the loop looks after what is pending, and keeps nothing alive.
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
      await libos.operations.sleep(10);
      console.log("slept");
    `;
    const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", code],
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([status, text(stdout)], [0, "slept\n"], text(stderr));
  });
}
