/**
 * The calls of a script by their names.
 *
 * @module
 */

import { accept, bind, connect, listen, socket } from "./opening.ts";
import {
  close,
  fcntl,
  getsockname,
  getsockopt,
  ioctl,
  poll,
  setsockopt,
  shutdown,
} from "./asking.ts";
import { type Attempt, DONE, failure, type Outcome, over, type System } from "./system.ts";
import { type CallEvent, ScriptError } from "./syntax.ts";
import { named, numberOf } from "./values.ts";
import { read } from "./reading.ts";
import { write } from "./writing.ts";

type Call = (system: System, event: CallEvent) => Attempt | Outcome;

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["socket", socket],
  ["bind", bind],
  ["listen", listen],
  ["accept", accept],
  ["accept4", accept],
  ["connect", connect],
  ["read", read],
  ["recv", read],
  ["recvfrom", read],
  ["readv", read],
  ["recvmsg", read],
  ["write", write],
  ["send", write],
  ["sendto", write],
  ["writev", write],
  ["sendmsg", write],
  ["close", close],
  ["shutdown", shutdown],
  ["poll", poll],
  ["fcntl", fcntl],
  ["ioctl", ioctl],
  ["setsockopt", setsockopt],
  ["getsockopt", getsockopt],
  ["getsockname", getsockname],
  ["getpeername", getsockname],
  ["wait", (system, event) => system.wait(event)],
]);

/** What upstream starts, and waits for later. */
const WAITED_FOR = new Set(["accept", "connect", "read", "recv", "write", "send"]);

/** Begins a call. Throws {@linkcode ScriptError} for one that is not understood. */
export function begin(system: System, event: CallEvent): Attempt {
  const { name, place } = event;
  const call = CALLS.get(name);
  if (call === undefined) throw new ScriptError(place, `the call ${name} is not understood`);
  let attempt: Attempt | Outcome;
  try {
    attempt = call(system, event);
  } catch (error) {
    attempt = failure(error);
  }
  if ("value" in attempt) attempt = over(attempt);
  if (!system.waits || !WAITED_FOR.has(name)) return attempt;
  system.queue(numberOf(event.args[0])!, attempt);
  return over(DONE);
}

/** Whether a call waits where it has nothing. */
export function blocks(system: System, { name, args }: CallEvent): boolean {
  if (name === "poll" || name === "wait") return true;
  const one = system.descriptors.get(numberOf(args[0]) ?? -1);
  const flags = name.startsWith("send") || name.startsWith("recv")
    ? numberOf(args[name.endsWith("msg") ? 2 : 3]) ?? 0
    : 0;
  return one !== undefined && !one.nonblocking && (flags & named("MSG_DONTWAIT")!) === 0;
}

/** What the errno of a call that would block is. */
export function wouldBlock({ name }: CallEvent): string {
  return name === "connect" ? "EINPROGRESS" : "EAGAIN";
}
