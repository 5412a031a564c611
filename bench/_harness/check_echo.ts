/**
 * One echo, checked: whether a server can be reached, and does what it is there for.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { BenchmarkError } from "./command_line.ts";
import type { Server } from "./server.ts";

/** How long to wait for a reply, in milliseconds. */
const PATIENCE_MS = 5_000;
const HOSTNAME = "127.0.0.1";
const MESSAGE: Uint8Array = Uint8Array.from({ length: 64 }, (_, index) => index * 31);

/** A server runs, but the clients of the kernel's sockets get nothing from it. */
export class UnreachableError extends BenchmarkError {}

/**
 * Makes one echo over TCP.
 *
 * @param patience How long to wait for it, in milliseconds.
 * @throws {UnreachableError} If the server cannot be reached, or does not answer.
 * @throws {BenchmarkError} If it died, or answers anything else.
 */
export async function checkTcpEcho(
  server: Server,
  patience: number = PATIENCE_MS,
): Promise<void> {
  await check(server, patience, async (signal) => {
    using conn = await Deno.connect({ hostname: HOSTNAME, port: server.port, signal });
    const close = () => conn.close();
    signal.addEventListener("abort", close);
    try {
      await conn.write(MESSAGE);
      const reply = new Uint8Array(MESSAGE.length);
      for (let received = 0; received < reply.length;) {
        const n = await conn.read(reply.subarray(received));
        if (n === null) throw new Error("it closed the connection");
        received += n;
      }
      return reply;
    } finally {
      signal.removeEventListener("abort", close);
    }
  });
}

/**
 * Makes one echo over UDP.
 *
 * @param patience How long to wait for it, in milliseconds.
 * @throws {UnreachableError} If the server cannot be reached, or does not answer.
 * @throws {BenchmarkError} If it died, or answers anything else.
 */
export async function checkUdpEcho(
  server: Server,
  patience: number = PATIENCE_MS,
): Promise<void> {
  await check(server, patience, async (signal) => {
    const socket = createSocket("udp4");
    try {
      socket.connect(server.port, HOSTNAME);
      await once(socket, "connect", { signal });
      socket.send(MESSAGE);
      const [reply] = await once(socket, "message", { signal });
      return reply;
    } finally {
      socket.close();
    }
  });
}

/**
 * Asks for a page over HTTP.
 *
 * @param patience How long to wait for it, in milliseconds.
 * @throws {UnreachableError} If the server cannot be reached, or does not answer.
 * @throws {BenchmarkError} If it died.
 */
export async function checkHttp(server: Server, patience: number = PATIENCE_MS): Promise<void> {
  await check(server, patience, async (signal) => {
    const reply = await fetch(`http://${HOSTNAME}:${server.port}/`, { signal });
    await reply.text();
    return MESSAGE;
  });
}

async function check(
  server: Server,
  patience: number,
  exchange: (signal: AbortSignal) => Promise<Uint8Array>,
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), patience);
  let reply: Uint8Array;
  try {
    reply = await exchange(late.signal);
  } catch (error) {
    await server.assertAlive();
    const state = late.signal.aborted
      ? `no reply within ${patience / 1000} s`
      : (error as Error).message;
    throw new UnreachableError(`Cannot get an echo from ${server.name}: ${state}`);
  } finally {
    clearTimeout(timer);
  }
  if (reply.length === MESSAGE.length && reply.every((byte, at) => byte === MESSAGE[at])) return;
  throw new BenchmarkError(`The echo of ${server.name} came back wrong: ${reply}`);
}
