import { assert, assertEquals } from "@std/assert";
import { deno, echoProgram, makeDirectory, ROOT } from "./_programs.ts";

/** Serves the checkout as a plain file server does. */
function serveCheckout(asked: string[]): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    try {
      const file = await Deno.readFile(ROOT + pathname.slice(1));
      return new Response(file, { headers: { "content-type": "application/typescript" } });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}

Deno.test("mod.ts imported by URL from elsewhere, with an empty cache and no import map, echoes", async () => {
  const asked: string[] = [];
  await using server = serveCheckout(asked);
  await using directory = await makeDirectory();
  const origin = `127.0.0.1:${server.addr.port}`;
  const program = `${directory.path}/program.ts`;
  await Deno.writeTextFile(program, echoProgram(`http://${origin}/mod.ts`));
  const flags = ["--no-config", "--no-lock", "--no-prompt", `--allow-import=${origin}`];
  const { code, stdout, stderr } = await deno(
    ["run", "--check", ...flags, "--allow-ffi", program],
    {
      cwd: directory.path,
      env: { DENO_DIR: `${directory.path}/cache` },
    },
  );
  assertEquals({ code, stdout }, { code: 0, stdout: "round trip\n" }, stderr);
  assert(asked.includes("/mod.ts") && asked.length > 10, String(asked));
  const foreign = asked.filter((path) => !/^\/(mod\.ts$|libos\/|ffi\/)/.test(path));
  assertEquals(foreign, []);
});
