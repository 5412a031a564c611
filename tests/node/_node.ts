/**
 * What the tests of Node on a libOS share.
 *
 * @module
 */

import http, { type IncomingMessage } from "node:http";
import type { Server } from "node:net";
import { text } from "node:stream/consumers";
import { attach, createConnection } from "../../libos/node/mod.ts";
import type { LibOS } from "../../mod.ts";
import { LOOPBACK } from "../net/_net.ts";

/** A server of Node that listens on a libOS. */
export class Attached<S extends Server> implements AsyncDisposable {
  /** The server. */
  readonly server: S;
  /** Its port. */
  readonly port: number;

  /** Has it listen on any port. */
  constructor(libos: LibOS, server: S) {
    this.server = attach(server, { libos, ...LOOPBACK });
    this.port = (this.server.address() as { port: number }).port;
  }

  /** Closes it, with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    (this.server as S & { closeAllConnections?(): void }).closeAllConnections?.();
    await closed;
  }
}

/** What a program said. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function say(
  program: string,
  args: readonly string[],
  input: string | Uint8Array = "",
): Promise<Said> {
  const process = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  // It may not want to read it all.
  const written = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close());
  const [output] = await Promise.all([process.output(), written.catch(() => {})]);
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/** Runs curl, which gives up after ten seconds. */
export function curl(args: readonly string[], input?: string | Uint8Array): Promise<Said> {
  return say("curl", ["--silent", "--show-error", "--max-time", "15", ...args], input);
}

/** Waits for an event; gives what it came with. */
export function event<T = unknown>(
  emitter: { once(name: string, listener: (value: T) => void): unknown },
  name: string,
): Promise<T> {
  return new Promise((resolve) => emitter.once(name, resolve));
}

/** Asks a server for something through an agent of a libOS; gives the body of the answer. */
export async function ask(
  agent: http.Agent,
  port: number,
  path: string,
  body?: string,
): Promise<string> {
  const request = http.request({ port, path, agent, method: body === undefined ? "GET" : "PUT" });
  request.end(body);
  const response = await Promise.race([
    event<IncomingMessage>(request, "response"),
    event<Error>(request, "error").then((error) => Promise.reject(error)),
  ]);
  return await text(response);
}

/** An agent that connects over a libOS. */
export function makeAgent(libos: LibOS): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  return Object.assign(agent, {
    createConnection: (options: object) => createConnection({ ...options, libos }),
  });
}
