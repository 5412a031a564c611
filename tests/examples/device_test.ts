/**
 * The echo and the store on Microsoft's catpowder, with clients on the Linux kernel at the other end.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { checkConfiguration, toYaml } from "../../libos/demikernel/configuration.ts";
import type { Namespace } from "../_network/namespace.ts";
import { DEVICE, LIBOS, missingForNetwork, NEIGHBOURS, Network } from "../_network/network.ts";
import { missingLibrary, missingProgram, needing } from "../_needs.ts";
import { Folder } from "../ffi/_demikernel.ts";
import { Program } from "./_program.ts";

const missing = missingLibrary("catpowder") ?? missingForNetwork();

/** Runs an example on the device, and a client at the other end as often as it has arguments. */
async function ask(
  example: string,
  client: string,
  argumentLists: (port: string) => string[][],
): Promise<string[]> {
  using network = new Network();
  using folder = new Folder();
  const text = toYaml(
    checkConfiguration("catpowder", { ...LIBOS, interface: DEVICE, neighbours: NEIGHBOURS }),
    true,
  );
  await using program = await Program.start(example, ["--hostname", LIBOS.address], {
    host: network.libos,
    env: { LIBOS: "demikernel:catpowder", CONFIG_PATH: folder.write("catpowder.yaml", text) },
  });
  const answers: string[] = [];
  for (const args of argumentLists(String(program.port))) {
    answers.push(await output(network.kernel, client, args));
  }
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
  return answers;
}

async function output(host: Namespace, program: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await host.command(program, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

/** Sends a text, and prints what comes back. */
const ECHO_CLIENT = `
  const [hostname, port] = Deno.args;
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode("hello"));
  const buffer = new Uint8Array(16);
  const length = await connection.read(buffer);
  console.log(new TextDecoder().decode(buffer.subarray(0, length)));
`;

Deno.test(needing(missing, "tcp_echo on native catpowder echoes"), async () => {
  using folder = new Folder();
  const client = folder.write("client.ts", ECHO_CLIENT);
  const args = ["run", "--allow-net", "--no-check", client, LIBOS.address];
  const answers = await ask("tcp_echo", Deno.execPath(), (port) => [[...args, port]]);
  assertEquals(answers, ["hello\n"]);
});

const missingClient = missing ?? missingProgram("redis-cli");

Deno.test(needing(missingClient, "kv on native catpowder serves redis-cli"), async () => {
  const commands = [["set", "a", "1"], ["incr", "a"], ["get", "a"]];
  const answers = await ask(
    "kv",
    "redis-cli",
    (port) => commands.map((command) => ["-h", LIBOS.address, "-p", port, ...command]),
  );
  assertEquals(answers, ["OK\n", "2\n", "2\n"]);
});
