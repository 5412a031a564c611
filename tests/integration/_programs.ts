/**
 * Programs elsewhere that use this one.
 *
 * @module
 */

/** The checkout. */
export const ROOT: string = new URL("../../", import.meta.url).pathname;

/** Runs Deno; gives its exit code, what it printed, and the errors it printed. */
export async function deno(
  args: readonly string[],
  options: Pick<Deno.CommandOptions, "cwd" | "env"> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    ...options,
    args: [...args],
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Makes a directory for a program, which goes in the end. */
export async function makeDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "demikernel-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A program that imports `mod.ts` from somewhere, and makes an echo round trip over catnap. */
export function echoProgram(mod: string): string {
  return `
    import { connect, open, serve } from ${JSON.stringify(mod)};
    await using libos = open("catnap");
    await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, async (connection) => {
      for await (const sga of connection) await connection.push(sga);
    });
    using connection = await connect({ libos, port: server.addr.port });
    await connection.push(new TextEncoder().encode("round trip"));
    using sga = (await connection.pop())!;
    console.log(new TextDecoder().decode(sga.bytes()));
  `;
}
