/**
 * What the tests of Deno's sockets share: connections, and a child without any permission but for the network.
 *
 * @module
 */

import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";
import { deno, makeDirectory, ROOT } from "../integration/_programs.ts";

/** Two ends of a connection of a libOS. */
export async function pair(libos: LibOS): Promise<[QueueDescriptor, QueueDescriptor]> {
  const listener = libos.socket("inet", "stream");
  libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
  libos.listen(listener);
  const client = libos.socket("inet", "stream");
  const connected = libos.operations.connect(client, libos.getsockname(listener));
  const server = await libos.operations.accept(listener);
  await connected;
  libos.close(listener);
  return [client, server];
}

/** Pushes so many bytes. */
export async function push(libos: LibOS, qd: QueueDescriptor, length: number): Promise<void> {
  const sga = libos.alloc(length);
  sga.bytes().fill(7);
  await libos.operations.push(qd, sga);
}

/** Runs a program that imports `mod.ts`, with those flags alone. */
export async function runProgram(
  code: string,
  ...flags: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using directory = await makeDirectory();
  const program = `${directory.path}/program.ts`;
  const imports = `import { connect, datagram, open, serve } from "${ROOT}mod.ts";\n`;
  await Deno.writeTextFile(program, imports + code);
  return await deno(["run", "--no-prompt", "--no-config", "--no-check", ...flags, program]);
}
