/**
 * Opens a native libOS, and makes a round trip. The arguments: the libOS, and a configuration file if there is one.
 *
 * @module
 */

import { type LibOSName, open } from "../../mod.ts";

const [name, configuration] = Deno.args as [LibOSName, string?];
try {
  await using libos = open({ libos: name, ...(configuration ? { configuration } : {}) });
  const listener = libos.socket("inet", "stream");
  libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
  libos.listen(listener);
  const client = libos.socket("inet", "stream");
  const accepting = libos.accept(listener);
  libos.wait(libos.connect(client, libos.getsockname(listener)));
  const accepted = libos.wait(accepting);
  if (accepted.opcode !== "accept") throw new Error("nothing was accepted");
  const sga = libos.alloc(5);
  sga.bytes().set(new TextEncoder().encode("hello"));
  libos.wait(libos.push(client, sga));
  const popped = libos.wait(libos.pop(accepted.accepted));
  if (popped.opcode !== "pop") throw new Error("nothing was popped");
  console.log(new TextDecoder().decode(popped.sga!.toUint8Array()));
  popped.sga!.free();
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
