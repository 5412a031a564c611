/**
 * A chat: the first line of a client is its name, and each other one goes to all the others.
 *
 * ```sh
 * deno run --allow-ffi examples/chat.ts --port 7003
 * nc 127.0.0.1 7003
 * ```
 *
 * @module
 */

import { type Connection, type Coroutine, DemikernelError, Reader, serve } from "../mod.ts";
import { main } from "./_cli.ts";

/** How many bytes a client may be behind before it is dropped, beyond what the network's buffers hold. */
const BEHIND = 64 * 1024;
/** The most bytes of a line. */
const LINE = 1024;

const encoder = new TextEncoder();

/** Who is there, by name. */
const members = new Map<string, Connection>();

/** Sends a line to all but one. Its bytes lie in memory once, however many get it; and nobody is waited for. */
function tell(from: Connection, line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  using message = from.libos.alloc(bytes.length);
  message.bytes().set(bytes);
  for (const [name, member] of members) {
    if (member === from || !member.open) continue;
    // Pushed, it is the libOS's, and to free it is harmless.
    using copy = message.clone();
    try {
      if (member.tryPush(copy, BEHIND)) continue;
      console.log(`${name} is dropped, ${member.bufferedAmount} bytes behind`);
    } catch {
      // It is gone, which is for its own handler to find out.
    }
    member.close();
  }
}

/** What others may be shown of it: no control characters, with which it could write all over their terminals. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "").trim();
}

/** Reads a name that nobody has; null if the client left. */
function* readName(connection: Connection, reader: Reader): Coroutine<string | null> {
  for (;;) {
    yield* connection.push("Your name? ");
    const line = yield* reader.line();
    if (line === null) return null;
    const name = plain(line);
    if (name !== "" && !members.has(name)) return name;
  }
}

function* chat(connection: Connection): Coroutine {
  using reader = new Reader(connection, { limit: LINE });
  let name: string | null = null;
  try {
    name = yield* readName(connection, reader);
    if (name === null) return;
    members.set(name, connection);
    tell(connection, `* ${name} is here`);
    for (let line; (line = yield* reader.line()) !== null;) {
      tell(connection, `${name}: ${plain(line)}`);
    }
  } catch (error) {
    // A line that is too long ends a client, and is no news; all else is for the server to tell.
    if (!(error instanceof DemikernelError && error.code === "EMSGSIZE")) throw error;
  } finally {
    if (name !== null) {
      members.delete(name);
      tell(connection, `* ${name} is gone`);
    }
  }
}

if (import.meta.main) {
  await main({
    about: "Chat",
    port: 7003,
    start: (libos, { hostname, port }, signal) => serve({ libos, hostname, port, signal }, chat),
  });
}
