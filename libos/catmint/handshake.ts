/**
 * How connections begin: both ends say hello over TCP, by which UCX finds its own way. Then the TCP connection is closed,
 * unless it is the one that is kept for the peer.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { Connection } from "./connection.ts";
import type { CatmintContext } from "./context.ts";
import type { Peer } from "./peer.ts";
import type { Coroutine, Sga } from "../pdpix.ts";
import {
  addressLength,
  decodeHello,
  encodeHello,
  type Hello,
  HELLO_SIZE,
  WINDOW,
} from "./protocol.ts";

/** How long whoever was accepted may take for each step, in milliseconds. */
const PATIENCE = 5000;
/** How often UCX is asked for what it does not tell by itself, in milliseconds. */
const PAUSE = 0.05;
/** Whoever connected is to close the TCP connection first, whose port rests then and not the server's. */
const CLOSING = 1000;

/** Says hello to whoever a socket of TCP has connected to. Throws what fails; the socket is closed then, or kept. */
export function* dial(context: CatmintContext, qd: number): Coroutine<Connection> {
  const { control, hangUp, peers } = context;
  const connection = new Connection(context, control.getsockname(qd), control.getpeername(qd));
  try {
    yield* certain(context);
    yield* say(context, qd, connection.id, false);
    const hello = yield* listenTo(context, qd, undefined);
    yield* control.operations.push(qd, control.alloc(1));
    const peer = peers.find(hello.address);
    connection.open(peer, hello.id, hello.window);
    if (hello.keep) peer.keep(qd);
    else hangUp(qd);
    yield* connected(context, peer);
    return connection;
  } catch (error) {
    connection.close(true);
    throw error;
  }
}

/** Answers the hello of whoever was accepted by a socket of TCP. Throws what fails. */
export function* answer(context: CatmintContext, qd: number): Coroutine<Connection> {
  const { control, peers } = context;
  const connection = new Connection(context, control.getsockname(qd), control.getpeername(qd));
  try {
    const hello = yield* listenTo(context, qd, PATIENCE);
    yield* certain(context);
    const keep = peers.needsChannel(hello.address);
    yield* say(context, qd, connection.id, keep);
    (yield* take(context, qd, 1, PATIENCE)).free();
    // Not before: an endpoint that is closed while UCX connects it can end the process (seen with 1.13 over TCP).
    const peer = peers.find(hello.address);
    connection.open(peer, hello.id, hello.window);
    if (keep) peer.keep(qd);
    else void context.scheduler.spawn(closeLater(context, qd));
    yield* connected(context, peer);
    return connection;
  } catch (error) {
    connection.close(true);
    throw error;
  }
}

/** Waits until it is known that UCX is not stuck. */
function* certain({ control, isSuspect }: CatmintContext): Coroutine {
  while (isSuspect()) yield* control.operations.sleep(PAUSE);
}

/** Waits until UCX has connected, which tells nobody. */
function* connected({ control, clock }: CatmintContext, peer: Peer): Coroutine {
  const until = clock.read() + PATIENCE;
  while (!peer.isConnected && clock.read() < until) yield* control.operations.sleep(PAUSE);
  if (peer.isConnected && !peer.isGone) return;
  throw new DemikernelError(peer.isGone ? "ECONNRESET" : "ETIMEDOUT", "connect", {
    detail: "UCX could not connect to the peer",
  });
}

function* closeLater({ control, hangUp }: CatmintContext, qd: number): Coroutine {
  try {
    (yield* control.operations.pop(qd).within({ timeout: CLOSING }))?.free();
  } catch {
    // It is of no use any more.
  }
  hangUp(qd);
}

function* say(context: CatmintContext, qd: number, id: number, keep: boolean): Coroutine {
  const { control, worker: { address } } = context;
  const bytes = encodeHello({ id, window: WINDOW, keep, address });
  const sga = control.alloc(bytes.length);
  sga.bytes().set(bytes);
  yield* control.operations.push(qd, sga);
}

function* listenTo(
  context: CatmintContext,
  qd: number,
  timeout: number | undefined,
): Coroutine<Hello> {
  const header = yield* read(context, qd, HELLO_SIZE, timeout);
  const length = addressLength(header);
  if (length === 0) throw nonsense(qd);
  const bytes = new Uint8Array(HELLO_SIZE + length);
  bytes.set(header);
  bytes.set(yield* read(context, qd, length, timeout), HELLO_SIZE);
  const hello = decodeHello(bytes);
  if (hello === null) throw nonsense(qd);
  return hello;
}

function* read(
  context: CatmintContext,
  qd: number,
  length: number,
  timeout: number | undefined,
): Coroutine<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    using sga = yield* take(context, qd, length - at, timeout);
    bytes.set(sga.bytes(), at);
    at += sga.length;
  }
  return bytes;
}

/** Pops what has to come. */
function* take(
  { control, expect }: CatmintContext,
  qd: number,
  size: number,
  timeout: number | undefined,
): Coroutine<Sga> {
  expect();
  const sga = yield* control.operations.pop(qd, size).within(
    timeout === undefined ? {} : { timeout },
  );
  if (sga !== null) return sga;
  throw new DemikernelError("ECONNRESET", "connect", {
    detail: "the other end closed the connection before it was made",
  });
}

function nonsense(qd: number): DemikernelError {
  return new DemikernelError("EPROTO", "connect", {
    qd,
    detail: "the other end is no catmint, or one of another version",
  });
}
