/**
 * Closing, and asking a descriptor what it is.
 *
 * @module
 */

import { type Attempt, DONE, type Outcome, type System } from "./system.ts";
import { type CallEvent, ScriptError } from "./syntax.ts";
import type { Descriptor } from "./descriptor.ts";
import { fieldOf, named, numberOf } from "./values.ts";
import { getOption, setOption } from "./socket_options.ts";
import { STATE } from "../../../libos/inetstack/tcp/state.ts";

export function close(system: System, { args }: CallEvent): Outcome {
  const fd = numberOf(args[0]) ?? -1;
  const one = system.get(args[0]);
  if (one.held > 0) system.push(one, one.held);
  system.descriptors.delete(fd);
  if (system.settings.profile === "freebsd") throwAway(system, one);
  system.host.close(one.qd);
  return DONE;
}

/** What was not read is no reason to reset a connection on FreeBSD; elsewhere it is (RFC 9293, section 3.6.1, SHLD-3). */
function throwAway(system: System, one: Descriptor): void {
  while (one.available > 0 && system.tryToken(system.host.pop(one.qd)) !== null);
}

export function shutdown(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  if (one.held > 0) system.push(one, one.held);
  const how = (["read", "write", "both"] as const)[numberOf(args[1]) ?? 0];
  if (how === undefined) return { value: -1, errno: "EINVAL" };
  if (one.told) return { value: -1, errno: "ENOTCONN" };
  system.host.shutdown(one.qd, how);
  return DONE;
}

/** `poll(2)`: what can be done with each descriptor. */
export function poll(system: System, { args }: CallEvent): Attempt {
  const [list, , limit] = args;
  const timeout = numberOf(limit) ?? 0;
  const end = timeout < 0 ? Infinity : system.host.now + timeout;
  const items = list?.kind === "list" ? list.items : [];
  const look = (): Outcome => {
    let value = 0;
    const wrong: string[] = [];
    for (const item of items) {
      const fd = numberOf(fieldOf(item, "fd")) ?? -1;
      const found = events(system, fd, numberOf(fieldOf(item, "events")) ?? 0);
      if (found !== 0) value++;
      const expected = numberOf(fieldOf(item, "revents"));
      if (expected !== null && expected !== found) {
        wrong.push(`revents of ${fd} are ${found}, not ${expected}`);
      }
    }
    return wrong.length === 0 ? { value } : { value, wrong: wrong.join(", ") };
  };
  return {
    poll: () => {
      const outcome = look();
      return outcome.value > 0 || system.host.now >= end ? outcome : null;
    },
    cancel: () => {},
  };
}

function events(system: System, fd: number, wanted: number): number {
  const one = system.descriptors.get(fd);
  if (one === undefined) return named("POLLNVAL")!;
  system.lookAtConnecting(one);
  const { connection } = one;
  let found = 0;
  if (one.listening) {
    return 0;
  }
  if (connection === null || one.connecting !== null) {
    return one.connecting === null ? 4 | 16 & wanted : 0;
  }
  const closed = connection.state === STATE.CLOSED;
  const failed = closed && connection.error !== 0 && !one.told;
  const sentAll = connection.finQueued;
  if (one.available > 0 || connection.finReceived || closed) found |= named("POLLIN")!;
  const room = (system.host.stack.tcp.pushLimit(connection) - connection.sendBuffer.end) | 0;
  if (room > connection.sendLimit / 3 || closed || sentAll) found |= named("POLLOUT")!;
  if (connection.finReceived || closed) found |= named("POLLRDHUP")!;
  found &= wanted;
  if (failed || one.error !== null) found |= named("POLLERR")!;
  if (closed || (connection.finReceived && sentAll)) found |= named("POLLHUP")!;
  return found;
}

export function fcntl(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  if (numberOf(args[1]) === named("F_GETFL")) {
    return { value: named("O_RDWR")! | (one.nonblocking ? named("O_NONBLOCK")! : 0) };
  }
  if (numberOf(args[1]) === named("F_SETFL")) {
    one.nonblocking = ((numberOf(args[2]) ?? 0) & named("O_NONBLOCK")!) !== 0;
  }
  return DONE;
}

export function ioctl(system: System, { args, place }: CallEvent): Outcome {
  const one = system.get(args[0]);
  const request = numberOf(args[1]);
  const { connection } = one;
  let found: number;
  if (request === named("SIOCINQ")) found = one.available;
  else if (request === named("SIOCOUTQ")) {
    found = connection === null
      ? 0
      : Math.max(0, (connection.sendBuffer.end - connection.sndUna) | 0);
  } else if (request === named("SIOCOUTQNSD")) {
    found = connection === null
      ? 0
      : Math.max(0, (connection.sendBuffer.end - connection.sndNxt) | 0);
  } else throw new ScriptError(place, "this ioctl is not understood");
  const expected = numberOf(args[2]);
  if (expected === null || expected === found) return DONE;
  return { value: 0, wrong: `it gives ${found}, not ${expected}` };
}

export function setsockopt(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  const wasCorked = one.corked;
  const option = numberOf(args[2]) ?? -1;
  setOption(system, one, option, args[3]);
  // TCP_NODELAY lets go what is held, too (`tcp(7)`).
  const letsGo = option === named("TCP_NODELAY") && numberOf(args[3]) !== 0;
  if (letsGo || (wasCorked && !one.corked)) system.push(one, one.held);
  return DONE;
}

export function getsockopt(system: System, { args }: CallEvent): Outcome {
  const one = system.get(args[0]);
  system.lookAtConnecting(one);
  const wrong = getOption(system, one, numberOf(args[2]) ?? -1, args[3]);
  return wrong === null ? DONE : { value: 0, wrong };
}

export function getsockname(system: System, { args }: CallEvent): Outcome {
  system.host.getsockname(system.get(args[0]).qd);
  return DONE;
}
