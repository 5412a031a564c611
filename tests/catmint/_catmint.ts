/**
 * What the tests of catmint share: UCX's transports, and programs at the other end.
 *
 * @module
 */

import {
  connect,
  type Connection,
  type InetAddress,
  type LibOS,
  listen,
  open,
  type OpenOptions,
  serve,
  type Server,
} from "../../mod.ts";
import type { Catmint } from "../../libos/catmint/libos.ts";
import { Program } from "../examples/_program.ts";

/** What UCX is told of transports, by their name: `self` is for a libOS that talks with itself. */
export const TRANSPORTS = { posix: "posix,self", tcp: "tcp,self" } as const;

/** The name of one. */
export type Transport = keyof typeof TRANSPORTS;

/** All of them. */
export const ALL: readonly Transport[] = ["posix", "tcp"];

/** Opens catmint while the environment names the transports, which UCX reads then. */
export function openOn(transport: Transport, options: Omit<OpenOptions, "libos"> = {}): Catmint {
  const before = Deno.env.get("UCX_TLS");
  Deno.env.set("UCX_TLS", TRANSPORTS[transport]);
  try {
    return open({ ...options, libos: "catmint" }) as Catmint;
  } finally {
    if (before === undefined) Deno.env.delete("UCX_TLS");
    else Deno.env.set("UCX_TLS", before);
  }
}

/** Starts an example on catmint, in a process of its own. */
export function startOn(
  transport: Transport,
  example: string,
  args: readonly string[] = [],
): Promise<Program> {
  const env = { LIBOS: "catmint", UCX_TLS: TRANSPORTS[transport] };
  return Program.start(example, args, { env });
}

/** An echo server. */
export function echo(libos: LibOS): Server<InetAddress> {
  return serve({ libos, hostname: "127.0.0.1", port: 0 }, function* (connection) {
    for (let sga; (sga = yield* connection.pop()) !== null;) {
      yield* connection.push(sga);
      sga.recycle();
    }
  });
}

/** Two ends of a connection, of which the first is of the first libOS. */
export async function pair(libos: LibOS, other: LibOS): Promise<[Connection, Connection]> {
  using listener = listen({ libos: other, hostname: "127.0.0.1", port: 0 });
  const [client, accepted] = await Promise.all([
    connect({ libos, port: listener.addr.port }),
    listener.accept(),
  ]);
  return [client, accepted];
}

/** Pushes bytes, and pops as many; gives those. */
export async function exchange(
  connection: Connection,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const pushed = connection.push(bytes);
  const answer = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length;) {
    using part = await connection.pop({ timeout: 5000 });
    if (part === null) throw new Error("the stream ended");
    answer.set(part.toUint8Array(), at);
    at += part.length;
  }
  await pushed;
  return answer;
}
