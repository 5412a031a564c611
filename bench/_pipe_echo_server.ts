/**
 * The server of the echo over pipes: it pops from one that it makes, and pushes into one that the client
 * has made by the time it sends something.
 *
 *     deno run -A bench/_pipe_echo_server.ts LIBOS REQUEST REPLY
 *
 * @module
 */
import { type Coroutine, DemikernelError, type LibOSName, open } from "../mod.ts";

const [name, request, reply] = Deno.args as [LibOSName, string, string];
const libos = open(name);
const from = libos.pipe(request, "pop");

function* echo(): Coroutine {
  let to: number | undefined;
  for (;;) {
    const sga = yield* libos.operations.pop(from);
    if (sga === null) return;
    to ??= libos.pipe(reply, "push");
    yield* libos.operations.push(to, sga);
    sga.recycle();
  }
}

const ended = libos.spawn(echo());
const interrupt = () => void libos.exit();
Deno.addSignalListener("SIGINT", interrupt);
console.log("ready");
try {
  await ended;
} catch (error) {
  if (!(error instanceof DemikernelError && error.code === "ECANCELED")) throw error;
}
Deno.removeSignalListener("SIGINT", interrupt);
await libos.exit();
